// `ctl recover DATA_DIR`.
#pragma once

#include "tools/ctl/command.h"

namespace troupe::tools {

// Explains, asks on stdin unless --yes, and begins a new cluster with what the directory holds.
// `refused`: nothing changed but what a start of the node mends. `unknown`: it began, but its last
// steps are missing; once more carries them out.
exit_code recover(words args, const choices& chosen);

}  // namespace troupe::tools
