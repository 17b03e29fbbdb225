// Directories of a machine's database, through RocksDB's file system, so that tests can cut the
// power under all of it.
//
// Thread safe: there is no state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/file_system.h"

namespace troupe::kv {

absl::StatusOr<bool> exists(rocksdb::FileSystem& files, const std::string& path);
absl::Status make_dir(rocksdb::FileSystem& files, const std::string& dir);
// Sorted.
absl::StatusOr<std::vector<std::string>> list(rocksdb::FileSystem& files, const std::string& dir);
// With all that is in it; fine when it is not there.
absl::Status remove_tree(rocksdb::FileSystem& files, const std::string& dir);
absl::Status rename(rocksdb::FileSystem& files, const std::string& from, const std::string& to);
absl::Status sync_dir(rocksdb::FileSystem& files, const std::string& dir);

}  // namespace troupe::kv
