// Where the data of nodes is, so that nothing else is put there.
#pragma once

#include <string>

namespace troupe::tools {

// Whether `path`, which need not be there, is below the data directory of a node: a node takes what
// lies there for its own.
bool is_below_data_dir(const std::string& path);

}  // namespace troupe::tools
