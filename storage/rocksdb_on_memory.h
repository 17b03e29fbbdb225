// A database of RocksDB on a memory_env, opened anew whenever it is asked for. For tests.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <rocksdb/db.h>

#include "storage/on_rocksdb.h"
#include "storage/rocksdb_on_env.h"
#include "storage/rocksdb_storage.h"

namespace troupe::storage {

class rocksdb_on_memory {
 public:
  static constexpr char dir[] = "database";

  rocksdb_on_memory() : env_(make_rocksdb_env(files_, &capacity_)) {}

  memory_env& files() { return files_; }
  const memory_env& files() const { return files_; }
  // The disk holds this many bytes.
  void set_capacity(uint64_t bytes) {
    capacity_ = bytes;
    files_.set_capacity(bytes);
  }

  // Nothing may hold what it gave before. All options may be changed before.
  absl::StatusOr<std::shared_ptr<log_storage>> open() {
    auto o = std::make_shared<opened>();
    auto db = open_database();
    if (!db.ok()) return db.status();
    o->db = *std::move(db);
    auto engine = rocksdb_storage::open(*o->db, *o->db->DefaultColumnFamily(), storage);
    if (!engine.ok()) return engine.status();
    o->engine = *std::move(engine);
    return std::shared_ptr<log_storage>(o, o->engine.get());
  }
  // The same without the storage.
  absl::StatusOr<std::unique_ptr<rocksdb::DB>> open_database() {
    auto with = database;
    with.env = env_.get();
    rocksdb::DB* db = nullptr;
    const auto s = rocksdb::DB::Open(with, dir, &db);
    if (!s.ok()) return status_of(s, dir);
    return std::unique_ptr<rocksdb::DB>(db);
  }

  rocksdb::Options database = quiet_options();
  rocksdb_options storage = {node_id(1), 4711, sync_mode::always, KiB(2), KiB(0)};

 private:
  struct opened {
    std::unique_ptr<rocksdb::DB> db;
    std::unique_ptr<rocksdb_storage> engine;
  };
  struct no_log final : rocksdb::Logger {
    using rocksdb::Logger::Logv;
    void Logv(const char*, va_list) override {}
  };

  // Memtables of some 16 KiB, so that a test crosses several.
  static rocksdb::Options quiet_options() {
    auto o = options_for_a_log();
    o.create_if_missing = true;
    o.write_buffer_size = 64 << 10;  // the least there is
    o.db_write_buffer_size = 16 << 10;
    o.max_file_opening_threads = 1;
    o.info_log = std::make_shared<no_log>();
    return o;
  }

  memory_env files_;
  uint64_t capacity_ = UINT64_MAX;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace troupe::storage
