// Whether a node may listen where it is told to, asked before it touches anything durable: a new
// data directory keeps the addresses that it was started with.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "tools/node/options.h"

namespace troupe::tools {

// Listens on every port of all nodes at once and lets go of them again.
absl::Status check_ports(const std::vector<node_flags>& nodes);

}  // namespace troupe::tools
