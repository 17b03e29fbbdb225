// Damage, failing and full disks under the engine on RocksDB: nothing is acknowledged that is not
// there, and nothing that was durable is missed in silence.
//
// A failure prints the call and its number; TROUPE_FAULT=<call>:<number> runs that one.
#include <cstdlib>

#include <gtest/gtest.h>

#include "storage/rocksdb_on_memory.h"
#include "storage/script.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

std::vector<std::string> names_with(rocksdb_on_memory& database, const std::string& ending) {
  std::vector<std::string> found;
  const auto names = database.files().list(rocksdb_on_memory::dir).value();
  for (const auto& name : names)
    if (name.ends_with(ending)) found.push_back(rocksdb_on_memory::dir + ("/" + name));
  return found;
}

// A closed database with 30 batches and a vote, all durable, and all in its write-ahead log.
log_tail fill(rocksdb_on_memory& database) {
  database.database.db_write_buffer_size = 0;
  const auto log = *database.open();
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(log->append(batches_after(log->tail(), leader_of(1), 1)).ok());
    EXPECT_TRUE(log->sync().ok());
  }
  EXPECT_TRUE(log->save_vote({leader_of(2), true}).ok());
  return log->tail();
}

// -- damage ---------------------------------------------------------------------------------------

// Flips a bit at `offset` of the newest write-ahead log; false when it has no such place.
bool damage(memory_env& files, const std::string& path, uint64_t offset) {
  const auto to = *files.open(path, open_mode::existing);
  auto byte = *to->read(offset, 1);
  if (byte.empty()) return false;
  byte[0] ^= 0x10;
  EXPECT_TRUE(to->write(offset, byte).ok());
  EXPECT_TRUE(to->sync().ok());
  return true;
}

TEST(rocksdb_faults_test, damage_to_what_was_synced_is_refused_and_never_taken_for_a_torn_write) {
  uint64_t places = 0, refused = 0;
  for (uint64_t offset = 0; !HasFailure(); offset += 61, ++places) {
    SCOPED_TRACE("at offset " + std::to_string(offset));
    rocksdb_on_memory database;
    const auto tail = fill(database);
    if (!damage(database.files(), names_with(database, ".log").back(), offset)) break;
    for (int again = 0; again < 2; ++again) {
      const auto opened = database.open();
      EXPECT_TRUE(opened.ok() ? (*opened)->tail() == tail : absl::IsDataLoss(opened.status()))
          << opened.status();
      refused += !opened.ok();
    }
  }
  EXPECT_GT(places, 50u);
  EXPECT_EQ(refused, 2 * places);
}

TEST(rocksdb_faults_test, a_log_without_its_end_is_refused) {
  rocksdb_on_memory database;
  fill(database);
  const auto wal = *database.files().open(names_with(database, ".log").back(), open_mode::existing);
  ASSERT_TRUE(wal->truncate(*wal->size() - 20).ok());
  EXPECT_TRUE(absl::IsDataLoss(database.open().status()));
}

TEST(rocksdb_faults_test, a_database_that_lost_all_is_not_a_new_one) {
  rocksdb_on_memory database;
  fill(database);
  for (const auto& path : names_with(database, ""))
    EXPECT_TRUE(path.ends_with(".mark") || database.files().remove(path).ok());
  const auto opened = database.open();
  EXPECT_TRUE(absl::IsDataLoss(opened.status())) << opened.status();
}

TEST(rocksdb_faults_test, without_its_mark_a_database_is_refused) {
  rocksdb_on_memory database;
  fill(database);
  ASSERT_TRUE(database.files().remove(names_with(database, ".mark").front()).ok());
  EXPECT_TRUE(absl::IsDataLoss(database.open().status()));
}

TEST(rocksdb_faults_test, a_batch_that_is_missing_is_refused) {
  rocksdb_on_memory database;
  fill(database);
  ASSERT_TRUE((*database.open_database())->Delete({}, batch_key(log_index(15))).ok());
  EXPECT_TRUE(absl::IsDataLoss(database.open().status()));
}

// The end of a write-ahead log that was not synced is lost, and the next one is not.
TEST(rocksdb_faults_test, what_follows_a_hole_that_was_never_durable_is_cut_off) {
  rocksdb_on_memory database;
  const auto tail = fill(database);
  const auto lost_and_kept = batches_after(tail, leader_of(2), 2);
  const auto& kept = *lost_and_kept.back();
  ASSERT_TRUE((*database.open_database())
                  ->Put({}, batch_key(kept.first_index()), encode_number(99) + kept.bytes())
                  .ok());
  for (int again = 0; again < 2; ++again) {
    const auto log = database.open();
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ((*log)->tail(), tail);
  }
  const auto log = *database.open();
  EXPECT_TRUE(log->append({&lost_and_kept.front(), 1}).ok());
  EXPECT_EQ(log->read(log_index(1), MiB(1))->size(), 31u);
}

TEST(rocksdb_faults_test, a_damaged_table_is_an_error_of_the_read) {
  rocksdb_on_memory database;
  fill(database);
  const auto log = *database.open();  // writes a table
  const auto table = names_with(database, ".sst").front();
  for (uint64_t at = 0; at < 2000; at += 10) damage(database.files(), table, at);
  const auto found = log->read(log_index(1), KiB(1));
  EXPECT_TRUE(absl::IsDataLoss(found.status())) << found.status();
}

TEST(rocksdb_faults_test, another_nodes_database_is_refused) {
  rocksdb_on_memory database;
  fill(database);
  database.storage.node = node_id(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(database.open().status()));
}

TEST(rocksdb_faults_test, a_database_keeps_its_incarnation) {
  rocksdb_on_memory database;
  fill(database);
  database.storage.incarnation = 5;
  EXPECT_EQ((*database.open())->incarnation(), 4711u);
}

TEST(rocksdb_faults_test, options_that_could_lose_what_was_durable_are_refused) {
  using mode = rocksdb::WALRecoveryMode;
  for (const auto m : {mode::kTolerateCorruptedTailRecords, mode::kSkipAnyCorruptedRecords}) {
    rocksdb_on_memory database;
    database.database.wal_recovery_mode = m;
    EXPECT_TRUE(absl::IsInvalidArgument(database.open().status()));
  }
}

// -- failing disks --------------------------------------------------------------------------------

void expect_nothing_lost(rocksdb_on_memory& database, script& node, uint64_t remains) {
  for (int again = 0; again < 2; ++again) {
    const auto reopened = node.open();
    ASSERT_TRUE(reopened.ok()) << reopened;
    ASSERT_EQ(node.judge(), "");
    const auto more = node.run(6);
    ASSERT_TRUE(more.ok()) << more;
    database.files().power_off_at(1);
    node.close();
    database.files().crash(remains + again);
  }
}

// One error at the n-th call of a kind. RocksDB may recover from some by itself, as from those of
// a file that nobody needs. False when the script has no such call.
bool run_with_fault(const std::string& kind, uint64_t number) {
  SCOPED_TRACE("replay with TROUPE_FAULT=" + kind + ":" + std::to_string(number));
  rocksdb_on_memory database;
  crash_oracle oracle;
  script node([&] { return database.open(); }, oracle, 1 + number % 5);
  uint64_t calls = 0;
  bool failed = false;
  database.files().set_fault([&](std::string_view call, const std::string& path) {
    if (call != kind || ++calls != number) return absl::OkStatus();
    failed = true;
    return absl::UnavailableError(path + ": input/output error");
  });
  auto stopped = node.open();
  if (stopped.ok()) stopped = node.run(100);
  if (!failed) return false;
  node.close();
  database.files().set_fault(nullptr);
  expect_nothing_lost(database, node, number);
  return true;
}

void run_with_all_faults(const std::string& kind, uint64_t least) {
  if (const char* replay = std::getenv("TROUPE_FAULT")) {
    const std::string which = replay;
    const auto colon = which.find(':');
    if (which.substr(0, colon) == kind) run_with_fault(kind, std::stoull(which.substr(colon + 1)));
    return;
  }
  uint64_t number = 1;
  while (number <= 150 && !testing::Test::HasFailure() && run_with_fault(kind, number)) ++number;
  EXPECT_GT(number, least) << "the script has so many";
}

TEST(rocksdb_faults_test, an_error_of_any_write_loses_nothing) { run_with_all_faults("write", 60); }
TEST(rocksdb_faults_test, an_error_of_any_sync_loses_nothing) { run_with_all_faults("sync", 40); }
TEST(rocksdb_faults_test, an_error_of_any_creation_loses_nothing) {
  run_with_all_faults("open", 10);
}
TEST(rocksdb_faults_test, an_error_of_any_removal_loses_nothing) {
  run_with_all_faults("remove", 3);
}
TEST(rocksdb_faults_test, an_error_of_any_renaming_loses_nothing) {
  run_with_all_faults("rename", 2);
}
TEST(rocksdb_faults_test, an_error_of_any_sync_of_a_directory_loses_nothing) {
  run_with_all_faults("sync_dir", 10);
}

TEST(rocksdb_faults_test, after_a_failed_sync_nothing_is_written_any_more) {
  rocksdb_on_memory database;
  fill(database);
  const auto log = *database.open();
  const auto more = batches_after(log->tail(), leader_of(2), 1);
  ASSERT_TRUE(log->append(more).ok());
  database.files().set_fault([](std::string_view call, const std::string& path) {
    return call == "sync" ? absl::UnavailableError(path + ": input/output error")
                          : absl::OkStatus();
  });
  const auto failure = log->sync();
  ASSERT_FALSE(failure.ok());
  EXPECT_NE(failure.message().find(".log"), absl::string_view::npos) << failure;
  database.files().set_fault(nullptr);
  EXPECT_EQ(log->sync(), failure);
  EXPECT_EQ(log->append(batches_after(log->tail(), leader_of(2), 1)), failure);
  EXPECT_EQ(log->save_vote({leader_of(3), false}), failure);
  EXPECT_EQ(log->truncate_after(log_index(3)), failure);
  EXPECT_EQ(log->purge(log_index(3)), failure);
  EXPECT_EQ(log->reset({}), failure);
  EXPECT_EQ(log->make_room(), failure);
  EXPECT_TRUE(log->read(log_index(1), KiB(1)).ok());
}

// -- full disks -----------------------------------------------------------------------------------

TEST(rocksdb_faults_test, a_disk_that_is_full_at_any_size_loses_nothing) {
  bool was_full = true;
  uint64_t sizes = 0;
  for (uint64_t size = 512; was_full && !HasFailure(); size += 2000, ++sizes) {
    SCOPED_TRACE("a disk of " + std::to_string(size) + " bytes");
    rocksdb_on_memory database;
    crash_oracle oracle;
    script node([&] { return database.open(); }, oracle, 1 + sizes % 5);
    database.set_capacity(size);
    auto stopped = node.open();
    if (stopped.ok()) stopped = node.run(150);
    was_full = !stopped.ok();
    if (was_full) {
      EXPECT_TRUE(absl::IsResourceExhausted(stopped)) << stopped;
    }
    node.close();
    database.set_capacity(UINT64_MAX);
    expect_nothing_lost(database, node, size);
  }
  EXPECT_GT(sizes, 20u);
}

TEST(rocksdb_faults_test, a_disk_that_fills_up_is_noticed_before_a_write_fails) {
  rocksdb_on_memory database;
  database.storage.reserve = KiB(300);
  database.set_capacity(600 << 10);
  const auto log = *database.open();
  while (log->has_room()) {
    const auto appended = log->append(batches_after(log->tail(), leader_of(1), 1, 1, 5000));
    ASSERT_TRUE(appended.ok()) << appended;
    ASSERT_TRUE(log->sync().ok());
  }
  // What is under way still fits, and so do votes and a purge.
  const auto under_way = log->append(batches_after(log->tail(), leader_of(1), 4, 1, 5000));
  ASSERT_TRUE(under_way.ok()) << under_way;
  const auto voted = log->save_vote({leader_of(2), true});
  ASSERT_TRUE(voted.ok()) << voted;
  ASSERT_TRUE(log->purge(log->tail().last.index).ok());
  ASSERT_TRUE(log->make_room().ok());
  database.set_capacity(2000 << 10);
  ASSERT_TRUE(log->make_room().ok());
  EXPECT_TRUE(log->has_room());
}

}  // namespace
}  // namespace troupe::storage
