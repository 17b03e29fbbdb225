// How a log and the newest snapshot of its node belong together.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "storage/log_storage.h"
#include "storage/snapshot_file.h"

namespace troupe {

// Makes them one history, at the start of a node. A log that does not hold the snapshot's last
// entry starts again behind it: the node ended after it had installed a snapshot and before it had
// done that, or damage took the log from before there on. Errors as of check_joint.
absl::Status join(storage::log_storage& log, const std::optional<storage::snapshot_meta>& newest);

// kDataLoss where something is missing between the two, and the state that the log goes on from
// with it.
absl::Status check_joint(const storage::log_storage& log,
                         const std::optional<storage::snapshot_meta>& newest);

// Whether this is an entry of the log, or the last that it does not need any more.
bool holds(const storage::log_storage& log, const log_id& id);

}  // namespace troupe
