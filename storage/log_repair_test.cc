// A damaged log is cut where the damage begins, and what the node acknowledged is not forgotten.
#include "storage/log_repair_scene.h"
#include "storage/snapshot_store.h"

namespace troupe::storage {
namespace {

using log_repair_test = log_repair_scene;

TEST_F(log_repair_test, without_leave_a_damaged_log_stays_as_it_is) {
  flip(path_of(2), start + 100);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsDataLoss(try_open(/*cut_damage=*/false)));
  EXPECT_EQ(set_aside(), 0u);
}

TEST_F(log_repair_test, what_is_lost_is_known_until_it_is_there_again) {
  flip(path_of(2), start + 100);
  for (int i = 0; i < 2; ++i) {
    open();
    expect_cut_to(3);
    EXPECT_EQ(storage_->lost()->where.find(path_of(2) + " at offset 4096: "), 0u)
        << storage_->lost()->where;
    EXPECT_EQ(set_aside(), 2u) << "nothing is thrown away yet";
  }
  fill();
  EXPECT_FALSE(storage_->lost().has_value());
  EXPECT_EQ(set_aside(), 0u);
  open();
  EXPECT_FALSE(storage_->lost().has_value());
  EXPECT_EQ(storage_->tail(), whole_);
}

TEST_F(log_repair_test, the_promise_ends_with_the_shorter_log_of_a_later_leader) {
  flip(path_of(2), start + 100);
  open();
  add(batch_after(storage_->tail(), leader_of(3), 1));
  EXPECT_TRUE(storage_->lost().has_value()) << "an older leader than that of the last lost entry";
  add(batch_after(storage_->tail(), leader_of(5), 1));
  EXPECT_FALSE(storage_->lost().has_value());
  ASSERT_TRUE(storage_->truncate_after(written_[2]->last_index()).ok());
  open();
  EXPECT_FALSE(storage_->lost().has_value()) << "it does not come back with a truncation";
}

TEST_F(log_repair_test, a_flipped_bit_anywhere_loses_no_promise) {
  const uint64_t most = 3 * step;
  for (uint64_t segment = 1; segment <= 3; ++segment)
    for (uint64_t offset = 0; offset < start + most; offset += offset < 96 ? 1 : 37) {
      SCOPED_TRACE("segment " + std::to_string(segment) + ", offset " + std::to_string(offset));
      storage_.reset();
      flip(path_of(segment), offset);
      if (try_open(/*cut_damage=*/false).ok()) {
        EXPECT_EQ(storage_->tail(), whole_) << "it was no byte that counts";
        storage_.reset();
        flip(path_of(segment), offset);
        continue;
      }
      ASSERT_TRUE(try_open().ok());
      const auto end = storage_->tail().last.index.value;
      ASSERT_EQ(end % 2, 0u);
      expect_cut_to(end / 2);
      fill();
      ASSERT_FALSE(storage_->lost().has_value());
      ASSERT_FALSE(HasFatalFailure());
    }
}

TEST_F(log_repair_test, damage_at_two_places_is_cut_at_the_first) {
  flip(path_of(3), start + 100);
  flip(path_of(1), start + step + 100);
  open();
  expect_cut_to(1);
}

TEST_F(log_repair_test, damage_of_what_was_filled_in_lengthens_no_promise_and_forgets_none) {
  flip(path_of(1), start + 100);
  open();
  expect_cut_to(0);
  for (size_t i = 0; i < 5; ++i) add(written_[i]);
  storage_.reset();
  flip(path_of(1), start + 100);
  open();
  expect_cut_to(0);
}

TEST_F(log_repair_test, a_segment_that_is_missing_counts_as_damaged) {
  ASSERT_TRUE(files_.remove(path_of(2)).ok());
  open();
  expect_cut_to(3);
  fill();
  EXPECT_FALSE(storage_->lost().has_value());
}

// As a power cut leaves it that comes while a segment is being made.
TEST_F(log_repair_test, a_segment_that_was_never_finished_takes_nothing_with_it) {
  storage_.reset();
  ASSERT_TRUE(files_.open(path_of(4), open_mode::create).ok());
  flip(path_of(2), start + 100);
  open();
  expect_cut_to(3);
  fill();
  EXPECT_FALSE(storage_->lost().has_value());
}

TEST_F(log_repair_test, where_the_start_of_the_log_is_not_known_nothing_is_changed) {
  ASSERT_TRUE(storage_->purge(written_[3]->last_index()).ok());
  storage_.reset();
  flip(path_of(2), 41);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsDataLoss(try_open()));
  EXPECT_EQ(set_aside(), 0u);
}

// Such a log may hold nothing, and then nothing else tells how far it went.
TEST_F(log_repair_test, a_log_that_starts_again_behind_a_snapshot_went_as_far_as_that) {
  const log_tail end{{leader_of(9), log_index(100)}, 7};
  auto snapshots = *snapshot_store::open(files_, "data/snapshots");
  auto to = *snapshots->begin({end, {}, "members", 1});
  ASSERT_TRUE(to->finish().ok() && snapshots->keep().ok());
  ASSERT_TRUE(storage_->reset(end).ok());
  storage_.reset();
  flip(path_of(4), 12);
  open();
  EXPECT_EQ(storage_->tail(), log_tail());
  ASSERT_TRUE(storage_->lost().has_value());
  EXPECT_EQ(storage_->lost()->last, end.last);
  ASSERT_TRUE(storage_->reset(end).ok());
  EXPECT_FALSE(storage_->lost().has_value());
}

// Where a reset was interrupted, the older segments are void, and the header alone says so unless
// there is a snapshot.
TEST_F(log_repair_test, a_damaged_header_that_may_have_begun_the_log_anew_is_not_cut) {
  const log_tail snapshot{{leader_of(9), log_index(100)}, 7};
  files_.set_fault([](std::string_view call, const std::string&) {
    return call == "remove" ? absl::UnavailableError("the process ends here") : absl::OkStatus();
  });
  ASSERT_FALSE(storage_->reset(snapshot).ok());
  files_.set_fault(nullptr);
  storage_.reset();
  flip(path_of(4), 12);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsDataLoss(try_open()));
  flip(path_of(4), 12);
  open();
  EXPECT_EQ(storage_->tail(), snapshot);
}

TEST_F(log_repair_test, a_damaged_promise_is_reported_and_not_taken_for_none) {
  flip(path_of(2), start + 100);
  open();
  storage_.reset();
  for (const uint64_t offset : {0, 9, 41, 70, 1083}) {
    flip("data/promise", offset);
    const auto opened = try_open();
    EXPECT_TRUE(absl::IsDataLoss(opened)) << offset << opened;
    EXPECT_NE(opened.message().find("data/promise"), absl::string_view::npos) << opened;
    flip("data/promise", offset);
  }
  open();
  expect_cut_to(3);
}

// The power is cut at each call to the file system: while the log is cut, and while it is filled.
TEST_F(log_repair_test, an_interrupted_repair_is_repeated) {
  const std::pair<uint64_t, size_t> cases[] = {{1, 0}, {2, 3}, {3, 6}};
  for (const auto& [segment, left] : cases) {
    for (const uint64_t offset : {uint64_t{50}, start + 100}) {
      bool was_cut = true;
      for (uint64_t cut = 1; was_cut; ++cut) {
        SCOPED_TRACE("segment " + std::to_string(segment) + ", offset " + std::to_string(offset) +
                     ", power cut at " + std::to_string(cut));
        storage_.reset();
        flip(path_of(segment), offset);
        was_cut = repair_with_power_cut_at(cut, left);
        open();
        ASSERT_TRUE(storage_->lost() || storage_->tail() == whole_);
        if (storage_->lost()) {
          EXPECT_EQ(storage_->lost()->last, whole_.last);
        }
        fill();
        ASSERT_FALSE(storage_->lost().has_value());
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

// -- what must not be thrown away, and what is in the end -----------------------------------------

TEST_F(log_repair_test, a_log_of_which_nothing_can_be_read_is_not_taken_for_an_empty_one) {
  ASSERT_TRUE(storage_->truncate_after(written_[1]->last_index()).ok());
  ASSERT_TRUE(storage_->truncate_after(written_[0]->last_index()).ok());
  storage_.reset();
  const auto to = files_.open(path_of(1), open_mode::existing);
  ASSERT_TRUE((*to)->write(0, std::string(8192, '\x5a')).ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsDataLoss(try_open()));
  ASSERT_TRUE((*to)->truncate(0).ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(absl::IsDataLoss(try_open()));
}

// It takes the last batches with the marks behind them, and looks like a write that was torn.
TEST_F(log_repair_test, one_bad_sector_at_the_end_loses_no_promise) {
  for (int i = 0; i < 4; ++i) add(batch_after(storage_->tail(), leader_of(9), 1, 20));
  const auto end = storage_->tail().last;
  storage_.reset();
  const auto to = files_.open(path_of(3), open_mode::existing);
  const uint64_t last = start + 2 * step + 4 * (batch::header_size + 24 + mark::size);
  ASSERT_TRUE((*to)->write(last / 512 * 512, std::string(512, '\x5a')).ok());
  EXPECT_TRUE(absl::IsDataLoss(try_open(/*cut_damage=*/false)));
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_LT(storage_->tail().last, end);
    ASSERT_TRUE(storage_->lost().has_value());
    EXPECT_EQ(storage_->lost()->last, end);
    EXPECT_EQ(storage_->lost()->where.find(path_of(3) + " at offset "), 0u);
  }
}

TEST_F(log_repair_test, what_a_truncation_took_is_not_missed) {
  ASSERT_TRUE(storage_->truncate_after(written_[4]->last_index()).ok());
  EXPECT_TRUE(try_open(/*cut_damage=*/false).ok());
  ASSERT_TRUE(storage_->reset({{leader_of(2), log_index(3)}, 7}).ok());
  EXPECT_TRUE(try_open(/*cut_damage=*/false).ok());
}

// Scenario 66: else it would belong to no cluster, and nobody could ask it for its vote.
TEST_F(log_repair_test, who_loses_the_first_batch_knows_what_it_was) {
  flip(path_of(1), start + 100);
  open();
  expect_cut_to(0);
  EXPECT_EQ(storage_->lost()->first, written_[0]->checksum());
  fill();
  storage_.reset();
  const auto to = files_.open(path_of(1), open_mode::existing);
  ASSERT_TRUE((*to)->write(0, std::string(start + 3 * step, '\x5a')).ok());
  open();
  expect_cut_to(0);
  EXPECT_EQ(storage_->lost()->first, written_[0]->checksum()) << "it is noted behind the vote";
}

// A power cut may bring back a file or two of an earlier repair.
TEST_F(log_repair_test, a_cut_that_is_repeated_leaves_no_more_and_more_copies) {
  for (uint64_t cut = 1; cut < 12; ++cut) {
    storage_.reset();
    flip(path_of(2), start + 100);
    for (int i = 0; i < 20; ++i) repair_with_power_cut_at(cut, 8);
    open();
    EXPECT_LE(set_aside(), 4u) << cut;
    const auto names = files_.list("data/log").value();
    EXPECT_EQ(std::ranges::count(names, "copy.new"), 0);
    fill();
    ASSERT_EQ(set_aside(), 0u);
  }
}

TEST_F(log_repair_test, a_cut_without_room_leaves_no_part_of_a_copy) {
  flip(path_of(2), start + 100);
  storage_.reset();
  ASSERT_TRUE(files_.remove("data/log/reserve").ok());
  const auto before = files_.used();
  for (uint64_t room = 100; room < 3000; room += 700) {
    files_.set_capacity(before + room);
    const auto opened = try_open();
    if (opened.ok()) break;
    EXPECT_TRUE(absl::IsResourceExhausted(opened)) << opened;
    EXPECT_LE(files_.used(), before + 1100) << "the promise, and nothing else";
  }
  files_.set_capacity(before + 100'000);
  open();
  expect_cut_to(3);
}

TEST_F(log_repair_test, a_damaged_mark_costs_no_batch) {
  flip(path_of(2), start + batch_size + 20);
  flip(path_of(1), start + 3 * step - 20);
  open();
  EXPECT_EQ(storage_->tail(), whole_);
  EXPECT_FALSE(storage_->lost().has_value());
  EXPECT_TRUE(try_open(/*cut_damage=*/false).ok());
}

TEST_F(log_repair_test, nothing_set_aside_is_left_behind_by_a_power_cut) {
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut; ++cut) {
    storage_.reset();
    flip(path_of(2), start + 100);
    was_cut = repair_with_power_cut_at(cut, 3);
    open();
    fill();
    open();
    ASSERT_FALSE(storage_->lost().has_value());
    ASSERT_EQ(set_aside(), 0u) << "power cut at " << cut;
  }
}

TEST_F(log_repair_test, what_was_set_aside_survives_a_second_damage) {
  flip(path_of(2), start + 100);
  open();
  const auto before = set_aside();
  add(written_[3]);
  storage_.reset();
  flip(path_of(2), start + 100);
  open();
  expect_cut_to(3);
  EXPECT_EQ(set_aside(), before + 1);
  fill();
  EXPECT_EQ(set_aside(), 0u);
}

TEST_F(log_repair_test, a_full_disk_hinders_no_repair) {
  flip(path_of(2), start + 100);
  storage_.reset();
  files_.set_capacity(files_.used());
  open();
  expect_cut_to(3);
}

TEST_F(log_repair_test, after_a_repair_there_is_room_for_a_segment) {
  flip(path_of(2), start + 100);
  open();
  ASSERT_TRUE(storage_->has_room());
  files_.set_capacity(files_.used());
  for (size_t i = 3; i < 6; ++i) {
    const auto s = storage_->append({{written_[i]}});
    ASSERT_TRUE(s.ok()) << s;
  }
}

}  // namespace
}  // namespace troupe::storage
