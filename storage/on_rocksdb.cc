#include "storage/on_rocksdb.h"

#include <algorithm>
#include <random>
#include <utility>

#include <absl/strings/str_cat.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>

#include "storage/engine_check.h"
#include "storage/rocksdb_storage.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// Closed from the last to the first.
struct on_rocksdb {
  std::unique_ptr<env> files;
  std::unique_ptr<dir_lock> lock;
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb_storage> engine;
};

// Opened as one that must be there as soon as anything of it is: RocksDB would begin a new database
// where its file CURRENT is lost, and remove the old files.
absl::StatusOr<std::unique_ptr<rocksdb::DB>> open_database(env& files, const std::string& path) {
  TROUPE_TRY_LET(const auto names, files.list(path));
  const bool used = std::ranges::count(names, mark_name(rocksdb::kDefaultColumnFamilyName)) != 0;
  if (used && std::ranges::count(names, "CURRENT") == 0)
    return absl::DataLossError(absl::StrCat(path, "/CURRENT: it is missing"));
  auto o = options_for_a_log();
  o.create_if_missing = !used;
  rocksdb::DB* db = nullptr;
  TROUPE_TRY(status_of(rocksdb::DB::Open(o, path, &db), path));
  return std::unique_ptr<rocksdb::DB>(db);
}

}  // namespace

rocksdb::Options options_for_a_log() {
  rocksdb::Options o;
  o.write_buffer_size = 32 << 20;
  o.max_write_buffer_number = 2;
  o.level0_file_num_compaction_trigger = 2;
  o.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  table.block_size = 64 << 10;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  o.max_bgerror_resume_count = 0;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_log_file_size = 1 << 20;
  o.keep_log_file_num = 4;
  return o;
}

absl::StatusOr<std::shared_ptr<log_storage>> open_on_rocksdb(const std::string& dir, node_id node,
                                                             sync_mode sync) {
  auto d = std::make_shared<on_rocksdb>();
  d->files = make_posix_env(sync);
  TROUPE_TRY(d->files->create_dirs(dir));
  TROUPE_TRY_LET(d->lock, d->files->lock_dir(dir));
  TROUPE_TRY(check_engine(*d->files, dir, engine::rocksdb));
  const std::string path = absl::StrCat(dir, "/", rocksdb_dir_name);
  TROUPE_TRY(d->files->create_dirs(path));
  TROUPE_TRY_LET(d->db, open_database(*d->files, path));
  rocksdb_options o;
  o.node = node;
  o.incarnation = std::random_device{}() | uint64_t{std::random_device{}()} << 32;
  o.sync = sync;
  TROUPE_TRY_LET(d->engine, rocksdb_storage::open(*d->db, *d->db->DefaultColumnFamily(), o));
  return std::shared_ptr<log_storage>(d, d->engine.get());
}

}  // namespace troupe::storage
