// How a snapshot takes the place of the machine's state, or what the machine holds is kept.
#include "actors/state_machine_fixture.h"

namespace troupe {
namespace {

using state_machine_restore_test = state_machine_snapshot_test;

// Scenario 64.
TEST_F(state_machine_restore_test, what_comes_behind_a_snapshot_is_applied_once) {
  start(never);
  give("abc");
  make();
  stop();
  hosted_->text = "what was there before";
  start(after_five, /*restore_first=*/true);
  send("def");
  run();
  EXPECT_EQ(hosted_->text, "abcdef");
  EXPECT_EQ(board_->get().applied, log_index(6));
  give("gh");
  EXPECT_EQ(newest(), log_index(8)) << "it counts from where it was";
}

TEST_F(state_machine_restore_test, one_from_a_leader_takes_the_place_of_the_state) {
  start(never);
  give("abc");
  make();
  give("d");
  receive("abcXYZ");
  caf::anon_send(machine_, restore_state{});
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcXYZ");
  EXPECT_EQ(board_->get().applied, log_index(6));
}

TEST_F(state_machine_restore_test, one_that_is_lost_while_it_is_restored_is_made_again) {
  start(never);
  give("abc");
  make();
  stop();
  hosted_->meanwhile = [&] {
    caf::anon_send(sink_, set_aside{tail_.last, "it is damaged"});
    caf::anon_send(machine_, snapshot_lost{tail_.last});
  };
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(hosted_->text, "abc");
  EXPECT_EQ(newest(), log_index(3));
  EXPECT_FALSE(store_->damaged());
}

TEST_F(state_machine_restore_test, a_damaged_one_is_no_loss_where_the_log_has_all_of_it) {
  leave_a_damaged_one("abc");
  start(never, /*restore_first=*/true);
  const auto& states = watch();
  EXPECT_EQ(newest(), log_index(0));
  give("de");
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(states, std::vector<std::string>{"there"});
}

TEST_F(state_machine_restore_test, a_damaged_one_does_not_reach_the_machine_which_waits) {
  leave_a_damaged_one("abc");
  const auto path = store_->newest()->path;
  ASSERT_TRUE(disk_->purge(log_index(3)).ok());
  start(never, /*restore_first=*/true);
  const auto& states = watch();
  give("d");
  give("e");
  EXPECT_EQ(hosted_->text, "");
  EXPECT_EQ(states.back().find("lost: " + path + " at offset "), 0u) << states.back();
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  receive("abcd");
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcde") << "the log goes on where the snapshot ends";
  EXPECT_EQ(states.back(), "there");
}

// The second time, too.
TEST_F(state_machine_restore_test, one_that_was_fetched_and_is_damaged_is_told_again) {
  leave_a_damaged_one("abc");
  ASSERT_TRUE(disk_->purge(log_index(3)).ok());
  beginning_.lost = "it is damaged";
  start(never);
  const auto& states = watch();
  receive("abcd");
  spoil_the_newest();
  caf::anon_send(machine_, restore_state{});
  run();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0], "lost: it is damaged");
  EXPECT_EQ(states[1].find("lost: snapshots/"), 0u) << states[1];
  receive("abcd");
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcd");
  EXPECT_EQ(states.back(), "there");
}

TEST_F(state_machine_restore_test, another_one_is_made_when_the_newest_was_lost) {
  start(never);
  give("abc");
  make();
  ASSERT_TRUE(store_->set_aside("it is damaged").ok());
  caf::anon_send(machine_, snapshot_lost{tail_.last});
  run();
  EXPECT_EQ(newest(), log_index(3));
  EXPECT_EQ(store_->newest()->meta.last.last.index, log_index(3));
  EXPECT_EQ(hosted_->begun, 2) << "once";
  give("d");
  make();
  caf::anon_send(machine_, snapshot_lost{store_->newest()->meta.membership_at});
  run();
  EXPECT_EQ(hosted_->begun, 3) << "an older one is lost to nobody";
}

TEST_F(state_machine_restore_test, a_machine_that_cannot_take_one_ends_its_node) {
  start(never);
  give("abc");
  make();
  stop();
  hosted_->refuses = true;
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(board_->get().failure, raft_errc::machine_failed);
}

TEST_F(state_machine_restore_test, one_that_the_machine_finds_damaged_is_set_aside) {
  disk_ = std::make_shared<storage::memory_storage>();
  start(never);
  give("abc");
  make();
  ASSERT_TRUE(disk_->purge(log_index(3)).ok());
  stop();
  hosted_->doubts = true;
  start(never, /*restore_first=*/true);
  const auto& states = watch();
  run();
  EXPECT_EQ(states.back(), "lost: no text at all");
  EXPECT_EQ(newest(), log_index(0));
  EXPECT_EQ(board_->get().failure, raft_errc::none);
}

// -- a machine that keeps its state over restarts -------------------------------------------------

TEST_F(state_machine_restore_test, what_the_machine_holds_is_noted_and_not_applied_again) {
  hosted_->durable = true;
  hosted_->text = "abc", hosted_->at = log_index(4);
  start(never);
  give("members", batch_kind::membership);
  const auto cluster = tail_.checksum;
  give("abc");
  EXPECT_EQ(board_->get().applied, log_index(4));
  give("de");
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(std::get<log_index>(make()), log_index(6));
  const auto meta = store_->newest()->meta;
  EXPECT_EQ(meta.last, tail_);
  EXPECT_EQ(meta.membership_at.index, log_index(1));
  EXPECT_EQ(meta.membership, "members");
  EXPECT_EQ(meta.cluster, cluster);
}

TEST_F(state_machine_restore_test, a_machine_goes_on_in_the_middle_of_a_batch) {
  for (uint64_t held = 0; held <= 6; ++held) {
    SCOPED_TRACE(held);
    hosted_ = std::make_shared<letters>();
    hosted_->durable = true;
    hosted_->text = std::string("abcdef").substr(0, held), hosted_->at = log_index(held);
    tail_ = {};
    start(never);
    give("abcd");
    give("ef");
    EXPECT_EQ(hosted_->text, "abcdef");
    EXPECT_EQ(hosted_->at, log_index(6));
    stop();
  }
}

TEST_F(state_machine_restore_test, no_snapshot_is_made_of_a_state_that_the_log_is_behind) {
  hosted_->durable = true;
  hosted_->text = "abcdefgh", hosted_->at = log_index(8);
  start(after_five);
  give("abcde");
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  EXPECT_EQ(hosted_->begun, 0);
  give("fgh");
  EXPECT_EQ(newest(), log_index(8)) << "it is made as soon as it can be";
}

TEST_F(state_machine_restore_test, a_machine_that_holds_more_is_not_put_back_to_a_snapshot) {
  hosted_->durable = true;
  start(never);
  give("abc");
  make();
  stop();
  const auto behind_snapshot = tail_;
  hosted_->text = "abcde", hosted_->at = log_index(5);
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(board_->get().applied, log_index(3));
  tail_ = behind_snapshot;
  give("def");
  EXPECT_EQ(hosted_->text, "abcdef");
}

TEST_F(state_machine_restore_test, a_machine_that_holds_the_state_of_a_damaged_snapshot_goes_on) {
  hosted_->durable = true;
  start(never);
  give("abc");
  make();
  ASSERT_TRUE(store_->set_aside("it is damaged").ok());
  stop();
  beginning_.damaged = store_->damaged()->meta, beginning_.lost = store_->damaged()->why;
  start(never);
  const auto& states = watch();
  give("de");
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(states, std::vector<std::string>{"there"});
  EXPECT_EQ(newest(), log_index(5)) << "another one is made";
}

TEST_F(state_machine_restore_test, a_machine_that_holds_less_is_what_the_snapshot_says) {
  hosted_->durable = true;
  start(never);
  give("abc");
  give("", batch_kind::blank);
  make();
  stop();
  hosted_->text = "ab", hosted_->at = log_index(2);
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(hosted_->text, "abc");
  EXPECT_EQ(hosted_->at, log_index(4)) << "it is told where the snapshot ends";
  give("d");
  EXPECT_EQ(hosted_->text, "abcd");
}

TEST_F(state_machine_restore_test, a_machine_is_told_of_entries_that_hold_no_commands) {
  hosted_->durable = true;
  start(never);
  give("ab");
  give("", batch_kind::blank);
  EXPECT_EQ(hosted_->at, log_index(3));
  EXPECT_EQ(std::get<log_index>(make()), log_index(3));
  stop();
  hosted_->refuses = true;
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(board_->get().failure, raft_errc::none) << "nothing is restored";
}

}  // namespace
}  // namespace troupe
