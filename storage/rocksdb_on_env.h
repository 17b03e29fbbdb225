// RocksDB on a storage::env, so that it meets the power cuts, errors and full disks of memory_env.
// For tests.
//
// Two things are kinder than memory_env by itself, since RocksDB counts on them and ext4, XFS and
// btrfs grant them: syncing a file makes its name durable too, and a file that grows is never
// longer than its data. Thread safe over an env that is not.
#pragma once

#include <memory>

#include <rocksdb/env.h>

#include "storage/memory_env.h"

namespace troupe::storage {

// A disk for RocksDB. `files` must outlive it, and is not used by others while a database is open.
// `capacity`, when it is given, tells the size of the disk.
std::unique_ptr<rocksdb::Env> make_rocksdb_env(memory_env& files,
                                               const uint64_t* capacity = nullptr);

}  // namespace troupe::storage
