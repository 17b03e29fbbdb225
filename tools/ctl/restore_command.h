// `ctl restore FILE DATA_DIR ID=HOST:PORT`.
#pragma once

#include "tools/ctl/command.h"

namespace troupe::tools {

// Makes the data directory of a node that is a new cluster by itself, with what a backup holds.
// `refused`: nothing changed.
exit_code restore(words args, const choices& chosen);

}  // namespace troupe::tools
