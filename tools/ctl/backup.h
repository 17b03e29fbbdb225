// A member's snapshot as a file of this machine.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/ctl/command.h"

namespace troupe::tools {

// kInvalidArgument for no name; kFailedPrecondition where `file` is there already, or below a
// node's data directory.
absl::Status check_backup_file(const std::string& file);

// Copies the newest snapshot of the node that is asked into `file`, as checked. It has its name
// when it is whole, verified and durable. `progress` hears of bytes so far and in all.
absl::StatusOr<snapshot_name> copy_snapshot(
    session& s, const std::string& file, const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace troupe::tools
