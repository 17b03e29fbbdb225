// A store in a database of RocksDB (rocksdb_records.h). What is changed is seen at once, and in the
// database when it was moved there.
//
// Errors of the database are thrown (rocksdb_error.h). One thread at a time.
#pragma once

#include <string>

#include "tools/kv/rocksdb_writes.h"
#include "tools/kv/store.h"

namespace troupe::kv {

class rocksdb_store final : public store {
 public:
  // `keys`: how many the database has. It must outlive this.
  rocksdb_store(rocksdb::DB& database, uint64_t keys);

  std::optional<value> find(std::string_view key) override;
  void put(std::string_view key, std::string_view bytes) override;
  size_t append(std::string_view key, std::string_view bytes) override;
  bool erase(std::string_view key) override;
  void clear() override;
  uint64_t size() const override { return keys_; }
  // Only while nothing waits to be moved.
  uint64_t scan(uint64_t cursor, uint64_t count,
                absl::FunctionRef<void(std::string_view key)> visit,
                absl::FunctionRef<bool()> go_on) const override;

  // Bytes of memory that what was changed takes.
  size_t changed_bytes() const { return writes_.bytes(); }
  void move_to(rocksdb::WriteBatch& batch) { writes_.move_to(batch); }

 private:
  std::string_view load() override;
  std::optional<std::string_view> look_at(std::string_view key);
  void know(std::string_view key);
  std::string_view chunk_key(uint32_t number);
  void erase_chunks(uint32_t from, uint32_t to);
  void set_long(std::string_view bytes);
  void append_chunks(std::string_view bytes);

  rocksdb::DB& db_;
  rocksdb_writes writes_;
  uint64_t keys_;

  // The key that was looked at last, so that a command does not look twice.
  std::string at_;              // key of its head; empty: none
  std::optional<size_t> size_;  // of its value; nothing: there is none

  std::string scratch_, chunk_key_;
  std::string loaded_;  // a long value
};

}  // namespace troupe::kv
