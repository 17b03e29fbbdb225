// Errors of the database of a key-value machine.
#pragma once

#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "rocksdb/status.h"

namespace troupe::kv {

// What a machine throws where its state cannot be read or written: its node ends then.
class rocksdb_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};
// What it has read cannot be right.
class rocksdb_damage final : public rocksdb_error {
 public:
  using rocksdb_error::rocksdb_error;
};

// kDataLoss where the database at `path` is damaged, kResourceExhausted for a full disk.
absl::Status status_of(const rocksdb::Status& s, const std::string& path);
// Throws it, unless it is OK; of damage it says what to do.
void check(const rocksdb::Status& s, const std::string& path);
[[noreturn]] void throw_damaged(const std::string& path, const std::string& what);

}  // namespace troupe::kv
