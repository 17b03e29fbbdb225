// The engine on RocksDB keeps the contract of log_storage.h, on a real disk and when the power
// fails.
#include "storage/rocksdb_storage.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "storage/log_storage_conformance.h"
#include "storage/log_storage_power_cut.h"
#include "storage/on_disk.h"
#include "storage/on_rocksdb.h"
#include "storage/rocksdb_on_memory.h"

namespace troupe::storage {
namespace {

std::string fresh_dir() {
  static int counter = 0;
  const auto* tmp = std::getenv("TEST_TMPDIR");
  const auto dir = std::filesystem::path(tmp ? tmp : testing::TempDir()) /
                   ("rocksdb-" + std::to_string(::getpid()) + "-" + std::to_string(++counter));
  return dir.string();
}

// -- the contract ---------------------------------------------------------------------------------

class host_on_disk final : public storage_host {
 public:
  host_on_disk() { host_on_disk::reopen(); }
  log_storage& storage() override { return *storage_; }
  void reopen() override {
    storage_.reset();
    auto opened = open_on_rocksdb(dir_, node_id(1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

 private:
  const std::string dir_ = fresh_dir();
  std::shared_ptr<log_storage> storage_;
};

// A cache of 2 KiB, so that most reads come from the database.
class host_in_memory final : public storage_host {
 public:
  host_in_memory() { host_in_memory::reopen(); }
  log_storage& storage() override { return *storage_; }
  void reopen() override {
    storage_.reset();
    auto opened = database_.open();
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

 private:
  rocksdb_on_memory database_;
  std::shared_ptr<log_storage> storage_;
};

// The log beside a state machine in one database.
class host_beside_a_state final : public storage_host {
 public:
  host_beside_a_state() { host_beside_a_state::reopen(); }
  ~host_beside_a_state() override { close(); }
  log_storage& storage() override { return *storage_; }
  void reopen() override {
    close();
    auto o = options_for_a_log();
    o.create_if_missing = o.create_missing_column_families = true;
    rocksdb::DB* db = nullptr;
    const auto s = rocksdb::DB::Open(o, dir_, {{"default", o}, {"raft", o}}, &families_, &db);
    ASSERT_TRUE(s.ok()) << s.ToString();
    db_.reset(db);
    ASSERT_TRUE(db_->Put({}, families_[0], "batch of the state machine", "is not the log's").ok());
    auto opened = rocksdb_storage::open(*db_, *families_[1], {node_id(1), 7});
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

 private:
  void close() {
    storage_.reset();
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
    families_.clear();
    db_.reset();
  }

  const std::string dir_ = fresh_dir();
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::unique_ptr<rocksdb_storage> storage_;
};

template <class Host>
std::unique_ptr<storage_host> make() {
  return std::make_unique<Host>();
}

INSTANTIATE_TEST_SUITE_P(rocksdb_disk, log_storage_conformance,
                         testing::Values(make<host_on_disk>));
INSTANTIATE_TEST_SUITE_P(rocksdb_memory, log_storage_conformance,
                         testing::Values(make<host_in_memory>));
INSTANTIATE_TEST_SUITE_P(rocksdb_beside_a_state, log_storage_conformance,
                         testing::Values(make<host_beside_a_state>));

// -- power cuts -----------------------------------------------------------------------------------

class rocksdb_power_host final : public power_host {
 public:
  absl::StatusOr<std::shared_ptr<log_storage>> open() override { return database_.open(); }
  bool cut_power_at(uint64_t n) override {
    database_.files().power_off_at(n);
    return true;
  }
  bool power_is_off() const override { return database_.files().power_is_off(); }
  void restore_power(uint64_t remains) override { database_.files().crash(remains); }

 private:
  rocksdb_on_memory database_;
};

std::unique_ptr<power_host> on_memory() { return std::make_unique<rocksdb_power_host>(); }

INSTANTIATE_TEST_SUITE_P(rocksdb, log_storage_power_cut, testing::Values(on_memory));

TEST(rocksdb_storage_test, what_it_reports_after_a_crash_of_the_process_is_durable) {
  for (uint64_t remains = 1; remains <= 10; ++remains) {
    rocksdb_on_memory database;
    database.database.avoid_flush_during_recovery = true;
    {
      const auto log = *database.open();
      ASSERT_TRUE(log->append(batches_after(log->tail(), leader_of(1), 3)).ok());
    }
    log_tail reported;
    {
      const auto log = *database.open();
      reported = log->tail();
      EXPECT_EQ(reported.last.index, log_index(3));
      database.files().power_off_at(1);
    }
    database.files().crash(remains);
    const auto again = database.open();
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->tail(), reported);
  }
}

// The files that it removes are gone for good at once.
TEST(rocksdb_storage_test, a_purge_is_durable_before_its_files_are_removed) {
  for (uint64_t remains = 1; remains <= 10; ++remains) {
    rocksdb_on_memory database;
    database.database.target_file_size_base = 20 << 10;
    {
      const auto log = *database.open();
      ASSERT_TRUE(log->append(batches_after(log->tail(), leader_of(1), 60, 1, 5000)).ok());
    }
    rocksdb::CompactRangeOptions rewrite;
    rewrite.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE((*database.open_database())->CompactRange(rewrite, nullptr, nullptr).ok());
    {
      const auto log = *database.open();
      const auto used = database.files().used();
      ASSERT_TRUE(log->purge(log_index(50)).ok());
      EXPECT_LT(database.files().used(), used - (100 << 10));
      database.files().power_off_at(1);
    }
    database.files().crash(remains);
    const auto again = database.open();
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->tail().last.index, log_index(60));
    EXPECT_TRUE((*again)->read((*again)->purged().last.index.next(), KiB(1)).ok());
  }
}

// -- whose directory it is ------------------------------------------------------------------------

TEST(rocksdb_storage_test, a_directory_is_one_nodes_and_one_process_at_a_time) {
  const auto dir = fresh_dir();
  uint64_t incarnation = 0;
  {
    const auto first = open_on_rocksdb(dir, node_id(1));
    ASSERT_TRUE(first.ok()) << first.status();
    incarnation = (*first)->incarnation();
    EXPECT_TRUE(absl::IsFailedPrecondition(open_on_rocksdb(dir, node_id(1)).status()));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(open_on_rocksdb(dir, node_id(2)).status()));
  EXPECT_EQ((*open_on_rocksdb(dir, node_id(1)))->incarnation(), incarnation);
}

TEST(rocksdb_storage_test, no_engine_begins_anew_where_the_other_has_written) {
  const auto of_rocksdb = fresh_dir(), of_files = fresh_dir();
  ASSERT_TRUE(open_on_rocksdb(of_rocksdb, node_id(1)).ok());
  ASSERT_TRUE(open_on_disk(of_files, node_id(1)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(open_on_disk(of_rocksdb, node_id(1)).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(open_on_rocksdb(of_files, node_id(1)).status()));
  EXPECT_TRUE(open_on_rocksdb(of_rocksdb, node_id(1)).ok());
  EXPECT_TRUE(open_on_disk(of_files, node_id(1)).ok());
}

TEST(rocksdb_storage_test, a_database_whose_current_is_lost_is_not_begun_anew) {
  const auto dir = fresh_dir();
  ASSERT_TRUE(open_on_rocksdb(dir, node_id(1)).ok());
  std::filesystem::remove(dir + "/rocksdb/CURRENT");
  EXPECT_TRUE(absl::IsDataLoss(open_on_rocksdb(dir, node_id(1)).status()));
}

}  // namespace
}  // namespace troupe::storage
