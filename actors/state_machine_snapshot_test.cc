// How the state_machine makes snapshots.
#include "actors/state_machine_fixture.h"

namespace troupe {
namespace {

TEST_F(state_machine_snapshot_test, one_is_made_when_it_is_due_and_says_what_the_log_said) {
  start(after_five);
  give("members", batch_kind::membership);
  const auto cluster = tail_.checksum;
  give("abc");
  EXPECT_EQ(newest(), log_index(0));
  give("de");
  EXPECT_EQ(newest(), log_index(6));
  const auto meta = store_->newest()->meta;
  EXPECT_EQ(meta.last, tail_);
  EXPECT_EQ(meta.membership_at.index, log_index(1));
  EXPECT_EQ(meta.membership, "members");
  EXPECT_EQ(meta.cluster, cluster);
}

TEST_F(state_machine_snapshot_test, commands_are_applied_while_one_is_made) {
  start(never);
  give(std::string(1000, 'x'));
  bool done = false;
  system_.spawn([&](caf::event_based_actor* self) {
    self->request(machine_, caf::infinite, make_snapshot{})
        .then([&](const made_snapshot& s) { done = s.last == log_index(1000); },
              [&](const caf::error&) { ADD_FAILURE(); });
  });
  for (int i = 0; i < 200; ++i) coordinator().run_once();
  EXPECT_FALSE(done);
  EXPECT_LT(hosted_->pieces, 200);
  send("y");
  for (int i = 0; i < 20; ++i) coordinator().run_once();
  EXPECT_EQ(hosted_->text.size(), 1001u) << "no slower than a few pieces";
  EXPECT_FALSE(done);
  run();
  EXPECT_TRUE(done);
}

// Scenario 63, the first half.
TEST_F(state_machine_snapshot_test, what_is_due_during_one_is_made_behind_it) {
  start(after_five);
  send("abcde");
  send("fghijk");
  run();
  EXPECT_EQ(newest(), log_index(11));
  EXPECT_EQ(hosted_->begun, 2);
}

TEST_F(state_machine_snapshot_test, a_machine_may_defer_it) {
  start(after_five);
  hosted_->defers = true;
  give("abcde");
  give("f");
  EXPECT_EQ(hosted_->begun, 1) << "it is not asked with each batch";
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  hosted_->defers = false;
  wait(2s);
  EXPECT_EQ(newest(), log_index(6)) << "it is asked again";
}

TEST_F(state_machine_snapshot_test, one_that_fails_is_made_later_and_harms_nobody) {
  start(after_five);
  hosted_->breaks = true;
  give("abcde");
  EXPECT_EQ(newest(), log_index(0));
  hosted_->breaks = false;
  hosted_->throws = true;
  wait(2s);
  give("f");
  hosted_->throws = false;
  give("g");
  wait(2s);
  EXPECT_EQ(newest(), log_index(7));
  EXPECT_EQ(hosted_->text, "abcdefg");
}

TEST_F(state_machine_snapshot_test, what_was_asked_for_is_answered) {
  start(never);
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::not_ready) << "nothing was applied";
  give("abc");
  EXPECT_EQ(std::get<log_index>(make()), log_index(3));
  EXPECT_EQ(std::get<log_index>(make()), log_index(3)) << "nothing is new";
  EXPECT_EQ(hosted_->begun, 1);
  files_.set_capacity(files_.used());
  give("d");
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::storage_failed);
}

TEST_F(state_machine_snapshot_test, it_is_written_no_faster_than_its_rate) {
  auto slow = never;
  slow.snapshot_rate = byte_count(10);
  start(slow);
  give(std::string(100, 'x'));
  const auto begun = now();
  EXPECT_EQ(std::get<log_index>(make()), log_index(100));
  EXPECT_GE(now() - begun, 9s);
  EXPECT_LE(now() - begun, 11s);
}

// Else what is kept for it grows for as long as it takes.
TEST_F(state_machine_snapshot_test, one_that_holds_much_memory_is_written_faster) {
  auto slow = never;
  slow.snapshot_rate = byte_count(10);
  start(slow);
  give(std::string(100, 'x'));
  const auto begun = now();
  hosted_->held = 17 << 20;
  EXPECT_EQ(std::get<log_index>(make()), log_index(100));
  EXPECT_LE(now() - begun, 1s);
}

}  // namespace
}  // namespace troupe
