// Elections of the real actors: nodes that are cut off and come back, in every direction, and those
// that lead on after a restart. Scenarios 5, 9, 14, 16, 32.
#include <gtest/gtest.h>

#include "testing/stage.h"

namespace troupe::sim {
namespace {

using namespace std::chrono_literals;

using kind = core::member_change::kind;
constexpr auto ten_minutes = 10min;

class elections_test : public testing::Test {
 protected:
  stage& play(size_t nodes, uint64_t seed = 1) {
    cluster_options o;
    o.nodes = nodes;
    return play(o, seed);
  }
  stage& play(const cluster_options& o, uint64_t seed = 1) {
    stage_ = std::make_unique<stage>(o, seed);
    // A first leader may meet another one.
    stage_->run_for(1s);
    leader_ = stage_->await_leader();
    EXPECT_TRUE(leader_);
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->run_for(200ms);
    term_ = stage_->term_of(leader_);
    return *stage_;
  }

  node_id follower(size_t which = 0) const {
    for (const auto id : stage_->nodes().ids())
      if (id != leader_ && which-- == 0) return id;
    return {};
  }

  // Leads, and nobody has heard of it yet.
  node_id await_winner() {
    const auto leading = [&] { return stage_->nodes().leading(); };
    EXPECT_TRUE(stage_->run_until([&] { return !leading().empty(); }, 5s));
    return leading().empty() ? node_id() : leading().front();
  }
  void up_again(node_id id) {
    EXPECT_TRUE(stage_->run_until(
        [&] { return stage_->nodes().start(id), stage_->nodes().is_up(id); }, 5s));
  }
  // Nothing arrives there, or nothing that it sends does.
  void deafen(node_id victim) {
    for (const auto id : stage_->nodes().ids()) stage_->net().cut(id, victim);
  }
  void mute(node_id victim) {
    for (const auto id : stage_->nodes().ids()) stage_->net().cut(victim, id);
  }

  // Writes one after the other; none takes longer than a heartbeat interval.
  void expect_prompt_writes(duration d) {
    const auto heartbeat = stage_->timing().heartbeat_interval;
    for (const auto end = stage_->now() + d; stage_->now() < end; stage_->run_for(1ms)) {
      const auto begun = stage_->now();
      ASSERT_EQ(stage_->write(leader_, heartbeat).code, raft_errc::none);
      ASSERT_LE(stage_->now() - begun, heartbeat);
    }
  }

  // What is cut stays so for ten minutes, and then all is well again.
  void expect_no_trace_of_the_cut() {
    ASSERT_NO_FATAL_FAILURE(come_back_after_ten_minutes());
    for (const auto id : stage_->nodes().ids()) EXPECT_EQ(stage_->term_of(id), term_);
  }
  void come_back_after_ten_minutes() {
    ASSERT_NO_FATAL_FAILURE(expect_prompt_writes(5s));
    stage_->run_for(ten_minutes);
    ASSERT_NO_FATAL_FAILURE(expect_prompt_writes(1s));
    stage_->net().heal();
    ASSERT_NO_FATAL_FAILURE(expect_prompt_writes(10s));
    EXPECT_EQ(stage_->leader(), leader_);
    EXPECT_TRUE(stage_->run_until(
        [&] {
          return std::ranges::all_of(stage_->nodes().ids(), [&](node_id id) {
            return stage_->applied_at(id) == stage_->applied_at(leader_);
          });
        },
        2s))
        << "who was cut off has caught up";
  }

  void TearDown() override { EXPECT_EQ(stage_ ? stage_->broken() : "", ""); }

  std::unique_ptr<stage> stage_;
  node_id leader_;
  uint64_t term_ = 0;
};

// -- there is no pre-vote, and no need of it (scenarios 9 and 14) ---------------------------------

TEST_F(elections_test, a_node_that_was_cut_off_comes_back_unnoticed) {
  play(3);
  deafen(follower()), mute(follower());
  expect_no_trace_of_the_cut();
}

// They could not elect each other, so they did not promise each other anything.
TEST_F(elections_test, two_of_five_that_were_cut_off_together_come_back_unnoticed) {
  for (size_t i = 0; i < 8; ++i) {
    play(5, /*seed=*/i + 1);
    for (const auto id : stage_->nodes().ids())
      for (const auto gone : {follower(i % 4), follower((i + 1) % 4)})
        if (id != follower(i % 4) && id != follower((i + 1) % 4))
          stage_->net().cut(id, gone), stage_->net().cut(gone, id);
    expect_no_trace_of_the_cut();
    TearDown();
  }
}

TEST_F(elections_test, who_does_not_stand_sees_all_the_same_that_the_leader_is_gone) {
  auto& s = play(3);
  const auto watcher = follower();
  raft handle = s.nodes().handle_of(watcher);
  handle.enable_elections(false);
  s.run_for(s.timing().heartbeat_interval);
  EXPECT_EQ(handle.metrics().leader.node, leader_);
  for (const auto id : s.nodes().ids())
    if (id != watcher) s.nodes().kill(id);
  s.run_for(s.timing().lease() + s.timing().heartbeat_interval);
  EXPECT_EQ(handle.metrics().leader, leader_id{});
}

TEST_F(elections_test, a_deaf_node_that_asks_for_votes_all_the_time_goes_unnoticed) {
  play(3);
  deafen(follower());
  expect_no_trace_of_the_cut();
}

TEST_F(elections_test, a_mute_node_goes_unnoticed) {
  play(3);
  mute(follower());
  expect_no_trace_of_the_cut();
}

// Scenario 32: all that it is sent hangs, without an error.
// It answers that it is without a leader, but its vote would not count.
TEST_F(elections_test, nobody_stands_for_election_on_the_word_of_a_node_that_lost_its_disk) {
  auto& s = play(3);
  const auto wiped = follower(0), waits = follower(1);
  s.nodes().kill(leader_);
  s.nodes().wipe(wiped);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(wiped), s.nodes().is_up(wiped); }, 5s));
  const auto stood = [&] { return s.nodes().handle_of(waits).metrics().totals.candidacies; };
  const auto before = stood();
  s.run_for(5s);
  EXPECT_EQ(stood(), before);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(leader_), s.nodes().is_up(leader_); }, 5s));
  EXPECT_TRUE(s.write_somewhere(5s));
}

TEST_F(elections_test, a_follower_whose_requests_hang_for_a_minute_slows_no_write) {
  auto& s = play(3);
  s.nodes().freeze(follower(), true);
  ASSERT_NO_FATAL_FAILURE(expect_prompt_writes(60s));
  s.nodes().freeze(follower(), false);
  ASSERT_NO_FATAL_FAILURE(expect_prompt_writes(1s));
  EXPECT_EQ(s.term_of(leader_), term_);
  EXPECT_TRUE(s.run_until([&] { return s.applied_at(follower()) == s.applied_at(leader_); }, 5s));
}

// It hears its leader, which does not hear it, and the reverse.
TEST_F(elections_test, a_leader_and_one_follower_that_lose_one_direction_go_on) {
  for (bool to_leader : {true, false}) {
    play(3);
    to_leader ? stage_->net().cut(follower(), leader_) : stage_->net().cut(leader_, follower());
    expect_no_trace_of_the_cut();
    TearDown();
  }
}

// -- greater terms --------------------------------------------------------------------------------

// Scenario 5: of two that were cut off one stood for election by hand, and the other promised it a
// greater term; the leader hears of it, and loses its
// power at one of the next steps, as one of the others does. The judge sees to it that no vote
// falls.
// Thesis 3.6.2, figure 3.7 with three nodes: two have the first leader's entry, and the second
// leader may still replace it.
TEST_F(elections_test, what_an_older_leader_wrote_is_not_committed_by_counting) {
  cluster_options o;
  o.limits.replication.request = byte_count(1);
  o.limits.replication.requests = 1;
  auto& s = play(o);
  auto& nodes = s.nodes();
  const auto first = leader_, second = follower(0), third = follower(1);
  mute(first);
  const auto write = s.begin_write(first);
  s.run_for(5ms);
  const auto written = nodes.leadership_of(first)->last().last;
  nodes.kill(first);
  s.net().heal();
  raft handle = nodes.handle_of(third);
  handle.enable_elections(false);
  ASSERT_EQ(await_winner(), second);
  mute(second);
  s.run_for(5ms);
  nodes.kill(second);
  s.net().heal();
  up_again(first);
  ASSERT_EQ(await_winner(), first);
  // It is sent no more than that entry.
  ASSERT_TRUE(s.run_until([&] { return nodes.voter_of(third).log().last() >= written; }, 1s));
  s.net().cut(first, third);
  const auto two_have_it = [&] {
    const auto* leading = nodes.leadership_of(first);
    return leading != nullptr && leading->durable(third) >= written;
  };
  ASSERT_TRUE(s.run_until(two_have_it, 1s));
  nodes.kill(first);
  nodes.kill(third);
  s.net().heal();
  up_again(second);
  up_again(third);
  EXPECT_TRUE(s.write_somewhere(5s));
  EXPECT_EQ(s.leader(), second);
}

TEST_F(elections_test, whoever_heard_of_a_greater_term_and_lost_its_power_does_not_fall_below_it) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    auto& s = play(5, seed);
    for (const auto id : s.nodes().ids())
      for (const auto gone : {follower(0), follower(1)})
        if (id != follower(0) && id != follower(1)) s.net().cut(id, gone), s.net().cut(gone, id);
    s.run_for(5s);
    const auto reply = s.begin(follower(0), elect{follower(0)});
    ASSERT_TRUE(s.run_until([&] { return s.term_of(follower(1)) > term_; }, 1s));
    const auto greater = s.term_of(follower(1));
    for (const auto id : {leader_, follower(seed % 4)}) s.nodes().cut_power_soon(id);
    s.net().heal();
    s.run_for(1s);
    for (const auto id : s.nodes().down()) s.nodes().start(id);
    ASSERT_TRUE(s.write_somewhere(5s));
    EXPECT_GE(s.term_of(s.await_leader()), greater);
    TearDown();
    ASSERT_FALSE(HasFailure());
  }
}

// -- a transfer -----------------------------------------------------------------------------------

// The old leader still sends heartbeats while its successor asks for votes.
TEST_F(elections_test, a_transfer_is_not_undone_by_a_heartbeat_that_was_on_its_way) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    auto& s = play(3, seed);
    s.run_for(std::chrono::milliseconds(seed % 50));
    const auto to = follower(seed % 2);
    ASSERT_EQ(s.admin(leader_, transfer{to}).code, raft_errc::none);
    ASSERT_TRUE(s.run_until([&] { return s.leader() == to; }, s.timing().heartbeat_interval));
    ASSERT_EQ(s.term_of(to), term_ + 1);
    TearDown();
  }
}

// -- a node that is alone (scenario 16) -----------------------------------------------------------

class alone_test : public elections_test {
 protected:
  // Writes, and restarts the only node; returns how many writes it knows of.
  uint64_t restart_with(int writes) {
    for (int i = 0; i < writes; ++i) EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    const auto applied = stage_->applied_at(leader_);
    stage_->nodes().cut_power(leader_);
    EXPECT_TRUE(stage_->run_until([&] { return restarts(); }, 1s));
    EXPECT_EQ(stage_->await_leader(1s), leader_);
    return applied;
  }
  change_members of_the_other(kind what) {
    change_members c;
    c.changes.push_back({what, {{follower(), {"n" + std::to_string(follower().value)}}}, {}});
    return c;
  }
  bool restarts() {
    if (!stage_->nodes().is_up(leader_)) stage_->nodes().start(leader_);
    return stage_->nodes().is_up(leader_);
  }
  vote saved() { return stage_->nodes().voter_of(leader_).saved(); }
};

TEST_F(alone_test, a_single_voter_leads_after_a_restart_and_applies_all_of_it_once) {
  play(1);
  const auto applied = restart_with(1000);
  EXPECT_TRUE(stage_->run_until([&] { return stage_->applied_at(leader_) == applied; }, 1s));
  EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
  EXPECT_EQ(stage_->applied_at(leader_), applied + 1);
}

TEST_F(alone_test, the_sole_member_leads_on_under_the_same_vote) {
  play(1);
  const auto vote = saved();
  for (int i = 0; i < 3; ++i) {
    restart_with(5);
    EXPECT_EQ(saved(), vote);
  }
}

TEST_F(alone_test, leading_on_can_be_switched_off) {
  cluster_options o;
  o.nodes = 1;
  o.leader_restore = false;
  stage_ = std::make_unique<stage>(o);
  leader_ = stage_->await_leader();
  const auto before = saved();
  restart_with(5);
  EXPECT_GT(saved().leader.in, before.leader.in);
}

// The other one may hold entries that were lost here.
TEST_F(alone_test, who_had_a_learner_during_its_leadership_does_not_lead_on) {
  for (bool gone : {false, true}) {
    cluster_options o;
    o.nodes = 2;
    o.voters = 1;
    stage_ = std::make_unique<stage>(o);
    leader_ = stage_->await_leader();
    const auto reply = stage_->admin(leader_, of_the_other(kind::add_nodes));
    ASSERT_EQ(reply.code, raft_errc::none) << reply.why;
    if (gone) {
      const auto left = stage_->admin(leader_, of_the_other(kind::remove_nodes));
      ASSERT_EQ(left.code, raft_errc::none) << left.why;
    }
    const auto before = saved();
    restart_with(5);
    EXPECT_GT(saved().leader.in, before.leader.in) << "learner removed: " << gone;
    TearDown();
    if (!gone) continue;
    const auto alone = saved();
    restart_with(5);
    EXPECT_EQ(saved(), alone) << "it was alone during all of this leadership";
  }
}

// Whatever of its last writes is lost, and while its first learner joins.
TEST_F(alone_test, a_power_cut_at_any_time_leaves_one_history) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    cluster_options o;
    o.nodes = 2;
    o.voters = 1;
    stage_ = std::make_unique<stage>(o, seed);
    leader_ = stage_->await_leader();
    restart_with(3);
    const auto joins = stage_->begin(leader_, of_the_other(kind::add_nodes));
    stage_->nodes().cut_power_soon(leader_);
    for (int i = 0; i < 5; ++i) stage_->begin_write(leader_);
    stage_->run_for(100ms);
    if (stage_->nodes().is_up(leader_)) stage_->nodes().cut_power(leader_);
    ASSERT_TRUE(stage_->run_until([&] { return restarts(); }, 1s));
    ASSERT_EQ(stage_->await_leader(1s), leader_);
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->admin(leader_, of_the_other(kind::add_nodes));
    EXPECT_TRUE(stage_->run_until(
        [&] { return stage_->applied_at(follower()) == stage_->applied_at(leader_); }, 5s));
    TearDown();
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace troupe::sim
