// New clusters that begin with a snapshot: of a log whose beginning was purged, or of a backup.
#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/refound.h"
#include "storage/snapshot_store.h"
#include "storage/test_batches.h"
#include "storage/verify.h"

namespace troupe::storage {
namespace {

constexpr char dir[] = "disk/data";
constexpr char backup[] = "disk/backup";
constexpr leader_id reborn{term(8), node_id(3)};
const std::string state(600'000, 's');

batch_ptr first_entry() {
  batch_builder builder;
  builder.add("node 3 alone");
  return builder.seal(batch_kind::membership, {}, {});
}

refounding plan() { return {815, first_entry(), reborn, "it was so"}; }

absl::Status write_snapshot(env& files, const std::string& in, const log_tail& end) {
  auto store = snapshot_store::open(files, in);
  if (!store.ok()) return store.status();
  auto to = (*store)->begin({end, {leader_of(2), log_index(1)}, "all three", 77});
  if (!to.ok()) return to.status();
  if (auto s = (*to)->add(state); !s.ok()) return s;
  if (auto s = (*to)->finish(); !s.ok()) return s;
  return (*store)->keep();
}

// A directory of node 3 whose log goes on behind a snapshot up to entry 10, and a backup of that.
class refound_snapshot_test : public testing::Test {
 protected:
  void SetUp() override { set_up(files_); }

  static void set_up(memory_env& files) {
    ASSERT_TRUE(files.create_dirs("disk").ok());
    auto made = *durable_storage::open(
        files, {.dir = dir, .node = node_id(3), .incarnation = 4711, .log = {}});
    ASSERT_TRUE(made->append(batches_after({}, leader_of(2), 5, 2, 100)).ok());
    const auto end = made->tail();
    ASSERT_TRUE(made->append(batches_after(end, leader_of(5, 2), 5, 2, 100)).ok());
    ASSERT_TRUE(made->sync().ok());
    ASSERT_TRUE(write_snapshot(files, "disk/data/snapshots", end).ok());
    ASSERT_TRUE(made->reset(end).ok());
    ASSERT_TRUE(made->append(batches_after(end, leader_of(5, 2), 5, 2, 100)).ok());
    ASSERT_TRUE(made->sync().ok());
    const auto store = *snapshot_store::open(files, "disk/data/snapshots");
    const auto from = *store->read();
    const auto to = *files.open(backup, open_mode::create);
    ASSERT_TRUE(to->write(0, *from->raw(0, from->size())).ok());
    ASSERT_TRUE(to->sync().ok());
    for (const auto* durable : {"disk/data/log", "disk/data", "disk"})
      ASSERT_TRUE(files.sync_dir(durable).ok());
  }

  // A new cluster behind the state up to entry 10, and `more` batches.
  static void expect_new(memory_env& files, size_t more) {
    const auto found = open_for_verification(files, dir);
    ASSERT_TRUE(found.ok()) << found.status();
    auto& log = **found;
    EXPECT_EQ(log.incarnation(), 815u);
    EXPECT_EQ(log.saved_vote(), (vote{reborn, true}));
    EXPECT_FALSE(log.joined());
    const auto store = *snapshot_store::open(files, "disk/data/snapshots");
    ASSERT_TRUE(store->newest().has_value());
    const auto& meta = store->newest()->meta;
    EXPECT_EQ(meta.last.last, (log_id{reborn, log_index(10)}));
    EXPECT_EQ(meta.membership, "node 3 alone");
    EXPECT_EQ(meta.membership_at, (log_id{{}, log_index(1)}));
    EXPECT_EQ(meta.cluster, first_entry()->checksum());
    const auto from = *store->read();
    ASSERT_TRUE(from->verify().ok());
    std::string found_state;
    for (auto block = *from->next(); !block.empty(); block = *from->next()) found_state += block;
    EXPECT_TRUE(found_state == state);
    EXPECT_EQ(log.purged(), meta.last);
    if (more == 0) {
      EXPECT_EQ(log.tail(), meta.last);
      return;
    }
    const auto rest = *log.read(log_index(11), no_bound);
    EXPECT_EQ(rest.size(), more);
    for (const auto& b : rest) EXPECT_EQ(b->leader(), reborn);
  }
  static absl::Status recover(memory_env& files) {
    auto found = open_for_verification(files, dir);
    if (!found.ok()) return found.status();
    return refound(files, **found, dir, plan());
  }
  static absl::Status restore(memory_env& files) {
    return found_with_backup(files, backup, "disk/new", node_id(3), plan());
  }

  memory_env files_;
};

TEST_F(refound_snapshot_test, a_log_without_its_beginning_is_recovered_with_its_snapshot) {
  const auto s = recover(files_);
  ASSERT_TRUE(s.ok()) << s;
  expect_new(files_, 5);
}

TEST_F(refound_snapshot_test, without_the_snapshot_it_is_refused) {
  const auto store = *snapshot_store::open(files_, "disk/data/snapshots");
  ASSERT_TRUE(files_.remove(store->newest()->path).ok());
  const auto s = recover(files_);
  EXPECT_TRUE(absl::IsFailedPrecondition(s)) << s;
  EXPECT_EQ((*open_for_verification(files_, dir))->incarnation(), 4711u);
}

TEST_F(refound_snapshot_test, a_backup_becomes_the_directory_of_a_node) {
  ASSERT_TRUE(files_.rename(dir, "disk/old").ok());
  ASSERT_TRUE(found_with_backup(files_, backup, dir, node_id(3), plan()).ok());
  expect_new(files_, 0);
  EXPECT_TRUE(
      absl::IsFailedPrecondition(found_with_backup(files_, backup, dir, node_id(3), plan())));
}

TEST_F(refound_snapshot_test, a_damaged_backup_leaves_nothing_behind) {
  const auto file = *files_.open(backup, open_mode::existing);
  ASSERT_TRUE(file->write(300'000, "x").ok());
  EXPECT_TRUE(absl::IsDataLoss(restore(files_)));
  EXPECT_TRUE(absl::IsNotFound(files_.list("disk/new").status()));
}

TEST_F(refound_snapshot_test, a_power_cut_leaves_the_whole_directory_or_none) {
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut && !HasFailure(); ++cut) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE("power cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      memory_env disk;
      set_up(disk);
      ASSERT_TRUE(disk.rename(dir, "disk/old").ok() && disk.sync_dir("disk").ok());
      disk.power_off_at(cut);
      const bool done = found_with_backup(disk, backup, dir, node_id(3), plan()).ok();
      was_cut = disk.power_is_off();
      disk.crash(seed);
      const bool there = disk.list(dir).ok();
      EXPECT_TRUE(there || !done);
      if (!there) {
        const auto again = found_with_backup(disk, backup, dir, node_id(3), plan());
        ASSERT_TRUE(again.ok()) << again;
      }
      expect_new(disk, 0);
    }
  }
}

}  // namespace
}  // namespace troupe::storage
