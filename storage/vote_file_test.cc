#include "storage/vote_file.h"

#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/rot_model.h"

namespace troupe::storage {
namespace {

constexpr identity owner{node_id(1), 5};
constexpr uint64_t slots[] = {0, 4096};

vote vote_in(uint64_t in) { return {{term(in), node_id(2)}, in % 2 == 0}; }

class vote_file_test : public testing::Test {
 protected:
  vote_file_test() {
    EXPECT_TRUE(files_.create_dirs("d").ok());
    auto made = vote_file::create(files_, "d", owner);
    EXPECT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE(files_.sync_dir("d").ok());
    votes_ = *std::move(made);
  }
  absl::Status open(const identity& by = owner) {
    auto opened = vote_file::open(files_, "d", by);
    if (opened.ok()) votes_ = *std::move(opened);
    return opened.status();
  }
  void flip(uint64_t offset) { flip_bit(files_, "d/vote", offset); }

  memory_env files_;
  std::unique_ptr<vote_file> votes_;
};

TEST_F(vote_file_test, starts_with_no_vote) {
  EXPECT_EQ(votes_->saved(), vote());
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(votes_->saved(), vote());
}

TEST_F(vote_file_test, one_sync_saves_a_vote) {
  int syncs = 0;
  files_.set_fault([&](std::string_view call, const std::string&) {
    syncs += call.find("sync") != std::string_view::npos;
    return absl::OkStatus();
  });
  ASSERT_TRUE(votes_->save(vote_in(1), false).ok());
  EXPECT_EQ(syncs, 1);
}

TEST_F(vote_file_test, a_power_cut_leaves_the_vote_before_or_the_one_being_saved) {
  for (uint64_t in = 1; in <= 200; ++in) {
    const vote before = votes_->saved();
    files_.power_off_at(1 + in % 4);
    const bool saved = votes_->save(vote_in(in), false).ok();
    files_.crash(in);
    // The opening may be cut as well.
    files_.power_off_at(1 + in % 5);
    const bool opened = open().ok();
    files_.crash(in);
    ASSERT_TRUE(open().ok());
    EXPECT_TRUE(votes_->saved() == vote_in(in) || (!saved && votes_->saved() == before))
        << "seed " << in << (opened ? " opened" : "");
  }
}

TEST_F(vote_file_test, a_torn_slot_leaves_the_vote_before) {
  // A disk that tears even a single sector: the slot being written is garbage after the cut.
  for (uint64_t in = 1; in <= 200; ++in) {
    const vote before = votes_->saved();
    const std::string old = content_of(files_, "d/vote");
    files_.set_fault([](std::string_view call, const std::string&) {
      return call == "sync" ? absl::UnknownError("no sync") : absl::OkStatus();
    });
    ASSERT_FALSE(votes_->save(vote_in(in), false).ok());
    const std::string written = content_of(files_, "d/vote");
    ASSERT_NE(old, written);
    const uint64_t slot = old.substr(0, 4096) != written.substr(0, 4096) ? slots[0] : slots[1];
    files_.crash(in);
    flip(slot + 40);
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(votes_->saved(), before) << "seed " << in;
    ASSERT_TRUE(votes_->save(vote_in(in), false).ok());
  }
}

TEST_F(vote_file_test, one_damaged_slot_is_repaired_from_the_other) {
  for (uint64_t in = 1; in <= 6; ++in) {
    ASSERT_TRUE(votes_->save(vote_in(in), false).ok());
    for (const uint64_t slot : slots) {
      for (uint64_t at = 0; at < 64; at += 5) {
        flip(slot + at);
        ASSERT_TRUE(open().ok());
        EXPECT_EQ(votes_->saved(), vote_in(in));
      }
    }
  }
}

TEST_F(vote_file_test, a_vote_that_is_damaged_twice_is_an_error_and_not_no_vote) {
  ASSERT_TRUE(votes_->save(vote_in(1), false).ok());
  for (const uint64_t slot : slots) flip(slot + 50);
  const auto opened = open();
  EXPECT_TRUE(absl::IsDataLoss(opened));
  EXPECT_EQ(opened.message(), "d/vote at offset 0: the vote is damaged");
}

TEST_F(vote_file_test, a_cut_off_or_missing_file_is_an_error) {
  ASSERT_TRUE((*files_.open("d/vote", open_mode::existing))->truncate(0).ok());
  EXPECT_TRUE(absl::IsDataLoss(open()));
  ASSERT_TRUE(files_.remove("d/vote").ok());
  EXPECT_TRUE(absl::IsDataLoss(open()));
}

TEST_F(vote_file_test, another_directorys_vote_is_refused) {
  EXPECT_TRUE(absl::IsDataLoss(open({node_id(2), 5})));
  EXPECT_TRUE(absl::IsDataLoss(open({node_id(1), 6})));
  EXPECT_TRUE(open().ok());
}

}  // namespace
}  // namespace troupe::storage
