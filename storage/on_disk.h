// The usual storage of a node: the durable engine on this machine's file system.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "proto/ids.h"
#include "storage/log_storage.h"
#include "storage/posix_env.h"
#include "storage/snapshot_store.h"

namespace troupe::storage {

// The random number of a new data directory.
uint64_t draw_incarnation();

// Opens the data directory of `node`, or sets up a new one; errors as of durable_storage::open, and
// kFailedPrecondition when the engine on RocksDB wrote it (on_rocksdb.h). A damaged log is cut, to
// be put together again (salvage.h).
absl::StatusOr<std::shared_ptr<log_storage>> open_on_disk(const std::string& dir, node_id node,
                                                          sync_mode sync = sync_mode::always);

// Opens the snapshots in the data directory that `log` was opened in; that must be open meanwhile.
// Errors as of snapshot_store::open.
absl::StatusOr<std::shared_ptr<snapshot_store>> open_snapshots(const std::string& dir,
                                                               sync_mode sync = sync_mode::always);

}  // namespace troupe::storage
