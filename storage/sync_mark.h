// How far a database was durable, written outside of its own log, so that what it lost is noticed.
//
// After a power cut RocksDB keeps its write-ahead log up to the first record that is damaged, and
// can not tell a torn write from damage to what was synced: both end its log, silently. So after
// each sync the number of the last write and the end of the log are put here, and opening refuses a
// database that ends before it. The file is overwritten in place, within one sector, and not synced
// itself: after a power cut it may tell less than was durable, and never more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/file_system.h>

#include "proto/ids.h"

namespace troupe::storage {

// One thread. The file system must outlive it.
class sync_mark {
 public:
  // The file at `path` anew, of nothing. Durable when it returns.
  static absl::StatusOr<std::unique_ptr<sync_mark>> create(rocksdb::FileSystem& files,
                                                           const std::string& path,
                                                           uint64_t incarnation);
  // kNotFound when there is none, kDataLoss when it is damaged.
  static absl::StatusOr<std::unique_ptr<sync_mark>> open(rocksdb::FileSystem& files,
                                                         const std::string& path);

  // Of the data that it belongs to.
  uint64_t incarnation() const { return incarnation_; }
  // All writes up to this one were durable,
  uint64_t number() const { return number_; }
  // and the log ended here when it was written.
  log_index tail() const { return tail_; }

  absl::Status move_to(uint64_t number, log_index tail);

 private:
  sync_mark(std::string path, std::unique_ptr<rocksdb::FSRandomRWFile> file);

  const std::string path_;
  const std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  uint64_t incarnation_ = 0;
  uint64_t number_ = 0;
  log_index tail_;
};

}  // namespace troupe::storage
