// The storage of a node on RocksDB: as on_disk.h, with another engine.
//
// Whoever keeps the state in the same database opens that with these options and more, and gives
// it to rocksdb_storage::open.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <rocksdb/options.h>

#include "proto/ids.h"
#include "storage/log_storage.h"
#include "storage/posix_env.h"

namespace troupe::storage {

// For a log: two memtables of 32 MiB, no block cache, no compression (a batch is read while it is
// new, or once), one error ends all writing.
rocksdb::Options options_for_a_log();

// Opens the data directory of `node`, or sets up a new one; errors as of rocksdb_storage::open, and
// kFailedPrecondition when the directory is in use or was written by the other engine.
absl::StatusOr<std::shared_ptr<log_storage>> open_on_rocksdb(const std::string& dir, node_id node,
                                                             sync_mode sync = sync_mode::always);

}  // namespace troupe::storage
