// How a log and the snapshots of its node belong together.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "storage/log_storage.h"
#include "storage/snapshot_store.h"

namespace troupe {

// What is known of the snapshot that a log goes on from.
struct log_beginning {
  std::optional<storage::snapshot_meta> newest;
  // Of one that is damaged or gone, where there is none that is not and it goes as far as the log
  // begins: the members of earlier may not be those of now.
  std::optional<storage::snapshot_meta> damaged;
  // Why neither the newest nor the log has all of the state; empty: they have.
  std::string lost;
};

// `snapshots` may be empty. Errors as of check_joint, but that what is missing is none where there
// are snapshots: another node may have it.
absl::StatusOr<log_beginning> find_beginning(storage::log_storage& log,
                                             const storage::snapshot_store* snapshots);

// Makes them one history, at the start of a node. A log that does not hold the snapshot's last
// entry starts again behind it: the node ended after it had installed a snapshot and before it had
// done that, or damage took the log from before there on. Errors as of check_joint.
absl::Status join(storage::log_storage& log, const std::optional<storage::snapshot_meta>& newest);

// kDataLoss where something is missing between the two, and the state that the log goes on from
// with it; kFailedPrecondition where they are of two clusters.
absl::Status check_joint(storage::log_storage& log,
                         const std::optional<storage::snapshot_meta>& newest);

// Whether this is an entry of the log, or the last that it does not need any more.
bool holds(const storage::log_storage& log, const log_id& id);

}  // namespace troupe
