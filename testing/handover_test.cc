// The end of a leadership: transfers, elections by hand, stalled disks. Scenarios 15, 38, 74,
// 76-78.
#include <gtest/gtest.h>

#include "testing/stage.h"

namespace troupe::sim {
namespace {

using namespace std::chrono_literals;

class handover_test : public testing::Test {
 protected:
  stage& play(size_t nodes, cluster_options o = {}) {
    o.nodes = nodes;
    stage_ = std::make_unique<stage>(o);
    leader_ = stage_->await_leader();
    EXPECT_TRUE(leader_);
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->run_for(200ms);
    return *stage_;
  }
  // Five voters, of which `late` has nothing yet when the others begin, and then hears nobody.
  stage& play_without(node_id late, cluster_options o = {}) {
    o.nodes = o.voters = 5;
    o.genesis = false;
    stage_ = std::make_unique<stage>(o);
    auto& s = *stage_;
    std::vector<node_id> others = s.nodes().ids();
    std::erase(others, late);
    for (const auto id : others) {
      raft handle = s.nodes().handle_of(id);
      handle.initialize(first_members(o));
    }
    const auto began = [&](node_id id) { return !s.nodes().members_at(id).empty(); };
    EXPECT_TRUE(s.run_until([&] { return std::ranges::all_of(others, began); }, 100ms));
    for (const auto id : others) s.net().cut(id, late);
    leader_ = s.await_leader();
    EXPECT_EQ(s.write(leader_).code, raft_errc::none);
    return s;
  }
  node_id a_follower(size_t which = 0) const {
    for (const auto id : stage_->nodes().ids())
      if (id != leader_ && which-- == 0) return id;
    return {};
  }
  log_id last_at(node_id id) { return stage_->nodes().voter_of(id).log().last(); }
  // Asks a node to stand for election now, as `leader` does whose log ends with `last`.
  bool takes_over(node_id to, const vote& leader, const log_id& last) {
    const core::transfer_request m{to, leader, last, stage_->nodes().voter_of(to).cluster()};
    const auto reply = stage_->ask<core::transfer_request, core::transfer_reply>(to, m, 1s);
    EXPECT_TRUE(stage_->run_until([&] { return reply->has_value(); }, 1s));
    return (*reply)->accepted;
  }
  void TearDown() override {
    if (!stage_) return;
    EXPECT_EQ(stage_->broken(), "");
  }
  // A client that writes all the time, to whoever leads; counts what it hears.
  void write_on(duration d) {
    const auto end = stage_->now() + d;
    while (stage_->now() < end) {
      const auto to = stage_->leader();
      if (!to) {
        stage_->run_for(1ms);
        continue;
      }
      const auto code = stage_->write(to, 1s).code;
      ++heard_[code];
      const auto gap = stage_->now() - last_ok_;
      if (code != raft_errc::none) continue;
      longest_gap_ = std::max(longest_gap_, gap);
      last_ok_ = stage_->now();
    }
  }

  std::unique_ptr<stage> stage_;
  node_id leader_;
  std::map<raft_errc, int> heard_;
  instant last_ok_;
  duration longest_gap_{0};
};

TEST_F(handover_test, a_transfer_makes_the_chosen_node_leader) {
  auto& s = play(3);
  const auto to = a_follower();
  const auto reply = s.admin(leader_, transfer{to});
  EXPECT_EQ(reply.code, raft_errc::none) << reply.why;
  EXPECT_TRUE(s.run_until([&] { return s.leader() == to; }, s.timing().election_timeout_min));
  EXPECT_EQ(s.write(to).code, raft_errc::none);
}

TEST_F(handover_test, a_transfer_to_anybody_picks_a_voter_that_answers) {
  auto& s = play(3);
  s.nodes().kill(a_follower(0));
  s.run_for(s.timing().lease());
  EXPECT_EQ(s.admin(leader_, transfer{}).code, raft_errc::none);
  EXPECT_EQ(s.await_leader(1s), a_follower(1));
}

// Two nodes: the old leader's own vote is needed.
TEST_F(handover_test, the_old_leader_votes_for_its_successor) {
  auto& s = play(2);
  const auto to = a_follower();
  EXPECT_EQ(s.admin(leader_, transfer{to}).code, raft_errc::none);
  EXPECT_TRUE(s.run_until([&] { return s.leader() == to; }, s.timing().election_timeout_min));
}

// Scenario 76.
TEST_F(handover_test, a_transfer_while_writes_pour_in_loses_none_and_stops_for_no_timeout) {
  auto& s = play(3);
  last_ok_ = s.now();
  for (int i = 0; i < 10; ++i) {
    const auto from = s.await_leader();
    const auto reply = s.begin(from, transfer{});
    write_on(100ms);
    ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 1s));
    EXPECT_EQ((*reply)->code, raft_errc::none) << (*reply)->why;
    EXPECT_NE(s.await_leader(), from);
  }
  EXPECT_LT(longest_gap_, s.timing().election_timeout_min);
}

// Who has just come is none that others vote for until the log names its data directory.
TEST_F(handover_test, a_transfer_to_a_voter_that_has_just_come_waits_until_it_may_stand) {
  const node_id late(5);
  auto& s = play_without(late);
  const auto reply = s.begin(leader_, transfer{late});
  s.run_for(10ms);
  s.net().heal();
  ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 2s));
  EXPECT_EQ((*reply)->code, raft_errc::none) << (*reply)->why;
  EXPECT_EQ(s.await_leader(), late);
}

// Scenario 77.
TEST_F(handover_test, a_transfer_to_a_dead_node_is_given_up_within_a_timeout) {
  auto& s = play(3);
  const auto to = a_follower();
  s.nodes().kill(to);
  const auto reply = s.begin(leader_, transfer{to});
  const auto begun = s.now();
  ASSERT_TRUE(s.run_until([&] { return s.write(leader_, 10ms).code == raft_errc::none; }, 2s));
  EXPECT_LE(s.now() - begun, s.timing().election_timeout_max + 20ms);
  ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 10s));
  EXPECT_EQ((*reply)->code, raft_errc::not_ready) << (*reply)->why;
  EXPECT_EQ(s.leader(), leader_);
}

// Scenario 77: the target is up to date, and never hears that it shall take over.
TEST_F(handover_test, a_transfer_request_that_gets_lost_is_given_up_and_writes_go_on) {
  auto& s = play(3);
  s.net().cut(leader_, a_follower());
  const auto reply = s.begin(leader_, transfer{a_follower()});
  s.run_for(20ms);
  EXPECT_EQ(s.write(leader_).code, raft_errc::busy);
  ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, s.timing().election_timeout_max));
  EXPECT_EQ((*reply)->code, raft_errc::not_ready);
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
}

TEST_F(handover_test, writes_are_refused_with_busy_during_a_transfer_and_served_after_its_abort) {
  auto& s = play(3);
  const auto to = a_follower();
  // The target gets the log and does not hear the request to take over.
  s.net().cut(leader_, to);
  s.net().cut(to, leader_);
  const auto write = s.begin_write(leader_);
  const auto reply = s.begin(leader_, transfer{to});
  s.run_for(20ms);
  EXPECT_EQ(s.write(leader_).code, raft_errc::busy);
  EXPECT_EQ(s.admin(leader_, abort_transfer{}).code, raft_errc::none);
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
  ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 1s));
  EXPECT_EQ((*reply)->code, raft_errc::dropped);
  EXPECT_EQ(s.admin(leader_, abort_transfer{}).code, raft_errc::not_allowed);
}

// It says `none` only when the successor was elected, whoever asked it to stand.
TEST_F(handover_test, a_transfer_that_ends_with_the_election_of_another_is_of_unknown_outcome) {
  for (const size_t winner : {0, 1}) {
    auto& s = play(3);
    for (const auto id : s.nodes().ids()) s.net().cut(leader_, id);
    s.run_for(200ms);
    const auto reply = s.begin(leader_, transfer{a_follower(0)});
    s.run_for(s.timing().lease() - 190ms);
    ASSERT_FALSE(reply->has_value());
    const auto next = a_follower(winner);
    ASSERT_EQ(s.admin(next, elect{next}).code, raft_errc::none);
    ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 20ms));
    EXPECT_EQ((*reply)->code, winner == 0 ? raft_errc::none : raft_errc::outcome_unknown);
    EXPECT_EQ(s.await_leader(), next);
    EXPECT_EQ(s.broken(), "");
  }
}

// Scenario 78, whatever the log's end was when it was sent.
TEST_F(handover_test, a_transfer_request_of_an_old_leader_is_ignored) {
  auto& s = play(3);
  const auto old = s.nodes().voter_of(leader_).saved();
  const auto last = last_at(a_follower());
  ASSERT_EQ(s.admin(leader_, transfer{a_follower(1)}).code, raft_errc::none);
  ASSERT_EQ(s.await_leader(), a_follower(1));
  s.run_for(200ms);
  const auto term = s.term_of(s.leader());
  for (const auto& at : {last, last_at(a_follower())})
    EXPECT_FALSE(takes_over(a_follower(), old, at)) << at;
  s.run_for(1s);
  EXPECT_EQ(s.term_of(s.leader()), term);
}

// Scenarios 15 and 76: a membership that it lacks may be among them.
TEST_F(handover_test, who_lacks_entries_of_the_leader_does_not_take_over) {
  auto& s = play(3);
  const auto vote = s.nodes().voter_of(leader_).saved();
  const auto last = last_at(a_follower());
  EXPECT_FALSE(takes_over(a_follower(), vote, {last.leader, last.index.next()}));
  EXPECT_TRUE(takes_over(a_follower(), vote, last));
}

// Scenario 78.
TEST_F(handover_test, a_transfer_to_a_learner_a_stranger_or_oneself_changes_nothing) {
  cluster_options o;
  o.voters = 3;
  auto& s = play(4, o);
  change_members add;
  add.changes.push_back({core::member_change::kind::add_nodes, {{node_id(4), {"n4", 0, 0}}}, {}});
  ASSERT_EQ(s.admin(leader_, add).code, raft_errc::none);
  EXPECT_EQ(s.admin(leader_, transfer{node_id(4)}).code, raft_errc::not_allowed);
  EXPECT_EQ(s.admin(leader_, transfer{node_id(9)}).code, raft_errc::not_allowed);
  EXPECT_EQ(s.admin(leader_, transfer{leader_}).code, raft_errc::none);
  const auto vote = s.nodes().voter_of(leader_).saved();
  EXPECT_FALSE(takes_over(node_id(4), vote, last_at(node_id(4)))) << "it is no voter";
  for (const node_id who : {node_id(4), node_id(9)})
    EXPECT_EQ(s.admin(leader_, elect{who}).why, "only a voter stands for election");
  EXPECT_EQ(s.leader(), leader_);
}

TEST_F(handover_test, a_transfer_to_who_lost_its_disk_is_refused_at_once_with_the_reason) {
  auto& s = play(3);
  const auto wiped = a_follower();
  s.nodes().wipe(wiped);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(wiped), s.nodes().is_up(wiped); }, 5s));
  s.run_for(1s);
  const auto reply = s.admin(leader_, transfer{wiped});
  EXPECT_EQ(reply.code, raft_errc::not_allowed);
  EXPECT_NE(reply.why.find("another data directory"), std::string::npos) << reply.why;
  EXPECT_EQ(s.admin(leader_, elect{wiped}).why, "only a voter stands for election");
}

// Its log says that it votes, and nobody's names its data directory.
TEST_F(handover_test, who_is_not_known_yet_neither_stands_by_hand_nor_takes_over) {
  cluster_options o;
  o.limits.replication.request = byte_count(1);
  const node_id late(5);
  auto& s = play_without(late, o);
  s.net().heal();
  ASSERT_TRUE(s.run_until([&] { return s.nodes().members_at(late).is_voter(late); }, 1s));
  s.net().cut(leader_, late);
  s.run_for(10ms);
  EXPECT_FALSE(takes_over(late, s.nodes().voter_of(leader_).saved(), last_at(late)));
  s.run_for(s.timing().lease());
  const auto reply = s.admin(late, elect{late});
  EXPECT_EQ(reply.code, raft_errc::not_allowed);
  EXPECT_EQ(reply.why, "the cluster does not know this node's data directory");
}

// Scenario 15: by hand the same rules hold as by timeout.
TEST_F(handover_test, an_election_by_hand_does_not_break_a_live_lease) {
  auto& s = play(3);
  EXPECT_EQ(s.admin(a_follower(), elect{a_follower()}).code, raft_errc::not_allowed);
  EXPECT_EQ(s.admin(a_follower(), elect{leader_}).code, raft_errc::none);
  EXPECT_EQ(s.leader(), leader_);
}

TEST_F(handover_test, an_election_by_hand_needs_no_timeout) {
  auto& s = play(3);
  s.nodes().kill(leader_);
  s.run_for(s.timing().lease() + 5ms);
  const auto who = a_follower();
  s.admin(who, elect{who});
  EXPECT_TRUE(s.run_until([&] { return static_cast<bool>(s.leader()); }, 50ms));
}

// Nobody is being handed over to, and nobody is node 0.
TEST_F(handover_test, a_vote_request_from_nobody_does_not_end_a_leadership) {
  auto& s = play(3);
  const auto& voter = s.nodes().voter_of(leader_);
  core::vote_request m;
  m.to = leader_;
  m.wanted = {{voter.saved().leader.in.next(), node_id(2)}, false};
  m.last = voter.log().last();
  m.handed_by = voter.saved();
  m.cluster = voter.cluster();
  const auto reply = s.ask<core::vote_request, core::vote_reply>(leader_, m, 1s);
  ASSERT_TRUE(s.run_until([&] { return reply->has_value(); }, 1s));
  EXPECT_FALSE((*reply)->granted);
  EXPECT_EQ(s.leader(), leader_);
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
}

// Scenario 38.
TEST_F(handover_test, a_lease_is_void_from_the_moment_that_a_transfer_asks_for_a_successor) {
  auto& s = play(3);
  const auto to = a_follower();
  // Nothing of the successor reaches the old leader, whose lease has not run out.
  for (const auto id : s.nodes().ids()) s.net().cut(id, leader_);
  const auto reply = s.begin(leader_, transfer{to});
  const auto begun = s.now();
  const auto leads = [&] { return s.nodes().leadership_of(to) != nullptr; };
  ASSERT_TRUE(s.run_until(leads, 1s));
  EXPECT_EQ(s.write(to, 1s).code, raft_errc::none);
  ASSERT_LT(s.now() - begun, s.timing().lease() / 2);
  EXPECT_NE(s.read(leader_, read_mode::lease, 20ms).code, raft_errc::none);
}

// Scenario 74, and a leader whose disk stands still hands over or steps down.
TEST_F(handover_test, a_leader_whose_disk_stalls_makes_way_within_a_few_leases) {
  auto& s = play(3);
  s.nodes().stall_disk(leader_, true);
  const auto write = s.begin_write(leader_);
  ASSERT_TRUE(
      s.run_until([&] { return s.leader() && s.leader() != leader_; }, 6 * s.timing().lease()));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  s.nodes().stall_disk(leader_, false);
  ASSERT_TRUE(s.run_until([&] { return write->has_value(); }, 5s));
  ASSERT_TRUE(s.run_until([&] { return s.applied_at(leader_) == s.applied_at(s.leader()); }, 5s));
}

}  // namespace
}  // namespace troupe::sim
