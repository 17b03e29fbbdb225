// A snapshot of one cluster as the beginning of another one.
#pragma once

#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "storage/snapshot_store.h"

namespace troupe::storage {

// The same state behind the same index, as if `leader` had written the log up to there, which began
// with `first`, a membership that stayed in force. Kept in `to`; where the new log goes on.
absl::StatusOr<log_tail> reseal_snapshot(snapshot_reader& from, const batch& first,
                                         leader_id leader, snapshot_store& to);

}  // namespace troupe::storage
