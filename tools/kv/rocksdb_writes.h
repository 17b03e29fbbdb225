// What was written to the keys of a database and is not in it yet, seen by who reads.
//
// Commands that are applied together change a few keys often, and all that they change becomes one
// write of the database. (RocksDB's WriteBatchWithIndex knows no removal of a whole range.)
//
// Errors of the database are thrown (rocksdb_error.h). One thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace troupe::kv {

class rocksdb_writes {
 public:
  // Over the records between two keys of `database`, which must outlive it.
  rocksdb_writes(rocksdb::DB& database, std::string_view begin, std::string_view end)
      : db_(database), begin_(begin), end_(end) {}

  // Valid until the next call.
  std::optional<std::string_view> get(std::string_view key);
  // `prefix` and `rest` become the record.
  void put(std::string_view key, std::string_view prefix, std::string_view rest = {});
  // At the end of the record, which is empty when there was none.
  void append(std::string_view key, std::string_view bytes);
  void erase(std::string_view key);
  // Erases all records: one by one where there are few, else as a range, which takes no time.
  void clear();

  bool empty() const { return changes_.empty() && !cleared_; }
  // What it takes in memory, about.
  size_t bytes() const { return bytes_; }
  // Adds all to `batch`, and is empty then.
  void move_to(rocksdb::WriteBatch& batch);

 private:
  using change = std::optional<std::string>;  // nothing: it is erased
  struct hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return absl::Hash<std::string_view>()(key); }
  };

  change& at(std::string_view key);
  bool erase_few();

  rocksdb::DB& db_;
  const std::string begin_;
  const std::string end_;
  bool cleared_ = false;  // of what is in the database nothing counts
  absl::flat_hash_map<std::string, change, hash, std::equal_to<>> changes_;
  size_t bytes_ = 0;
  rocksdb::PinnableSlice found_;
};

}  // namespace troupe::kv
