// Changes of the membership, played by the real actors: scenarios 29, 44-57.
#include <gtest/gtest.h>

#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

using members_test = members_scene;

// -- learners -------------------------------------------------------------------------------------

TEST_F(members_test, a_learner_gets_the_log_and_does_not_count) {
  auto& s = play(4, 3);
  for (int i = 0; i < 20; ++i) s.write(leader_);
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none) << reply_.why;
  EXPECT_EQ(members().learners(), ids({4}));
  EXPECT_TRUE(s.run_until([&] { return s.applied_at(node_id(4)) == s.applied_at(leader_); }, 2s));
  EXPECT_EQ(members().voters(), ids({1, 2, 3}));
  // Two of three voters are gone: a learner does not stand in for them.
  for (const auto id : ids({1, 2, 3}))
    if (id != leader_) s.nodes().kill(id);
  EXPECT_NE(s.write(leader_, 1s).code, raft_errc::none);
}

// Scenario 51: a node votes as soon as its log says that it is a voter.
TEST_F(members_test, a_voter_is_added_in_one_command_and_counts_then) {
  auto& s = play(4, 3);
  for (int i = 0; i < 20; ++i) s.write(leader_);
  ASSERT_EQ(order(change(kind::add_voters, {4})), raft_errc::none) << reply_.why;
  EXPECT_EQ(members().voters(), ids({1, 2, 3, 4}));
  EXPECT_FALSE(members().joint());
  EXPECT_EQ(members().nodes().at(node_id(4)).incarnation >> 8, 4u);
  // Three of four are a quorum, and the new one is needed for it.
  s.nodes().kill(a_follower());
  EXPECT_EQ(s.write(s.await_leader()).code, raft_errc::none);
}

TEST_F(members_test, who_became_a_voter_stands_for_election_when_the_leader_dies) {
  auto& s = play(3, 1);
  ASSERT_EQ(order(change(kind::add_voters, {2, 3})), raft_errc::none) << reply_.why;
  s.nodes().kill(leader_);
  EXPECT_TRUE(s.write_somewhere(5s));
}

// Scenarios 8 and 45.
TEST_F(members_test, any_set_of_voters_is_replaced_by_any_other_in_one_command) {
  auto& s = play(5, 3);
  ASSERT_EQ(order(change(kind::replace_voters, {3, 4, 5})), raft_errc::none) << reply_.why;
  EXPECT_EQ(s.nodes().members_at(node_id(4)).voters(), ids({3, 4, 5}));
  s.nodes().kill(node_id(1));
  s.nodes().kill(node_id(2));
  EXPECT_TRUE(s.write_somewhere(5s));
  EXPECT_EQ(members().nodes().size(), 3u);
}

TEST_F(members_test, voters_that_are_removed_become_learners_where_they_are_retained) {
  auto& s = play(3, 3);
  ASSERT_EQ(order(change(kind::replace_voters, {1, 2}, /*retain=*/true)), raft_errc::none);
  EXPECT_EQ(members().voters(), ids({1, 2}));
  EXPECT_EQ(members().learners(), ids({3}));
  EXPECT_TRUE(s.write_somewhere(2s));
}

// Scenario 52.
TEST_F(members_test, a_node_that_does_not_catch_up_does_not_become_a_voter) {
  auto& s = play(4, 3);
  s.nodes().kill(node_id(4));
  EXPECT_EQ(order(change(kind::add_voters, {4}), 1s), raft_errc::not_ready);
  EXPECT_EQ(reply_.why, "the new quorum needs node 4, which is unreachable");
  EXPECT_EQ(members().voters(), ids({1, 2, 3}));
  EXPECT_EQ(members().learners(), ids({4}));
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
}

TEST_F(members_test, a_change_that_times_out_before_it_began_does_not_block_the_next) {
  auto& s = play(4, 3);
  s.nodes().kill(node_id(4));
  EXPECT_EQ(order(change(kind::add_voters, {4}), 0s), raft_errc::not_ready) << reply_.why;
  EXPECT_EQ(order(change(kind::remove_nodes, {4})), raft_errc::none) << reply_.why;
}

// Scenario 56.
TEST_F(members_test, a_change_to_nobody_is_refused) {
  play(3, 3);
  EXPECT_EQ(order(change(kind::remove_nodes, {1, 2, 3})), raft_errc::invalid);
  EXPECT_EQ(order(change(kind::replace_voters, {})), raft_errc::invalid);
  EXPECT_EQ(members().voters(), ids({1, 2, 3}));
}

// Scenario 56.
TEST_F(members_test, a_dead_node_can_be_removed) {
  auto& s = play(3, 3);
  const auto dead = a_follower();
  s.nodes().kill(dead);
  ASSERT_EQ(order(change(kind::remove_nodes, {dead.value})), raft_errc::none) << reply_.why;
  EXPECT_EQ(members().nodes().size(), 2u);
}

// Scenario 56: the quorum of two is both; the one that leaves must not be needed for its leaving
// to take effect.
TEST_F(members_test, of_two_voters_the_dead_one_is_removed_while_it_still_can_be) {
  auto& s = play(2, 2);
  ASSERT_EQ(order(change(kind::remove_nodes, {a_follower().value})), raft_errc::none);
  for (const auto id : s.nodes().up())
    if (id != leader_) s.nodes().kill(id);
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
}

// Scenario 56.
TEST_F(members_test, three_nodes_are_added_at_once) {
  auto& s = play(6, 3);
  ASSERT_EQ(order(change(kind::add_voters, {4, 5, 6})), raft_errc::none) << reply_.why;
  EXPECT_EQ(members().voters().size(), 6u);
  EXPECT_EQ(s.write(s.await_leader()).code, raft_errc::none);
}

// -- the leader -----------------------------------------------------------------------------------

// Scenario 50.
TEST_F(members_test, a_leader_that_is_removed_hands_over_and_serves_no_more) {
  auto& s = play(3, 3);
  const auto removed = leader_;
  ASSERT_EQ(order(change(kind::remove_nodes, {removed.value})), raft_errc::none) << reply_.why;
  const auto until = 3 * s.timing().election_timeout_max;
  EXPECT_TRUE(s.run_until([&] { return s.leader() && s.leader() != removed; }, until));
  EXPECT_EQ(members().voters().size(), 2u);
  EXPECT_FALSE(members().contains(removed));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  const auto term = s.term_of(s.leader());
  s.run_for(5s);
  EXPECT_EQ(s.term_of(s.leader()), term) << "who was removed disturbs nobody";
  EXPECT_EQ(s.of(removed).role, "no member");
}

// Scenario 45: nobody asks, and the joint membership is left all the same.
TEST_F(members_test, a_joint_membership_whose_leader_is_gone_is_finished_by_the_next) {
  auto& s = play(5, 3);
  const auto answer = s.begin(leader_, change(kind::replace_voters, {3, 4, 5}, true));
  const auto joint_somewhere_else = [&] {
    for (const auto id : s.nodes().up())
      if (id != leader_ && s.nodes().members_at(id).joint()) return true;
    return false;
  };
  ASSERT_TRUE(s.run_until(joint_somewhere_else, 5s));
  s.nodes().kill(leader_);
  const auto settled = [&] {
    const auto leader = s.leader();
    return leader && !s.nodes().members_at(leader).joint() &&
           s.nodes().leadership_of(leader)->settled();
  };
  EXPECT_TRUE(s.run_until(settled, 5s));
  EXPECT_TRUE(s.write_somewhere(5s));
}

// -- several at once ------------------------------------------------------------------------------

// Scenario 53.
TEST_F(members_test, of_two_changes_at_once_the_second_is_refused) {
  auto& s = play(5, 3);
  const auto first = s.begin(leader_, change(kind::add_voters, {4}));
  const auto second = s.begin(leader_, change(kind::add_voters, {5}));
  ASSERT_TRUE(s.run_until([&] { return first->has_value() && second->has_value(); }, 5s));
  EXPECT_NE((*first)->code, (*second)->code);
  const auto& lost = (*first)->code == raft_errc::none ? *second : *first;
  EXPECT_EQ(lost->code, raft_errc::change_in_progress);
  EXPECT_EQ(members().voters().size(), 4u);
}

// It is as good as in the log.
TEST_F(members_test, a_command_that_waits_to_be_written_is_none_that_the_order_knew_of) {
  auto& s = play(4, 3);
  auto c = change(kind::add_nodes, {4});
  c.only_if.last_log = s.nodes().leadership_of(leader_)->last().last;
  propose command{request_id(1), {}};
  command.commands.add("x");
  caf::anon_send(s.nodes().leader_of(leader_), command);
  caf::anon_send(s.nodes().leader_of(leader_), admin_request{request_id(2), c});
  s.run_for(1s);
  EXPECT_FALSE(members().contains(node_id(4)));
  c.only_if.last_log = s.nodes().leadership_of(leader_)->last().last;
  EXPECT_EQ(order(c), raft_errc::none) << reply_.why;
}

TEST_F(members_test, a_change_is_made_only_from_the_state_that_it_names) {
  play(4, 3);
  auto c = change(kind::add_nodes, {4});
  c.only_if.membership = log_id{{term(9), node_id(9)}, log_index(9)};
  EXPECT_EQ(order(c), raft_errc::precondition_failed);
  c.only_if = {};
  c.only_if.leader = leader_id{term(9), node_id(1)};
  EXPECT_EQ(order(c), raft_errc::precondition_failed);
  c.only_if = {};
  c.only_if.last_log = log_id{{term(9), node_id(9)}, log_index(9)};
  EXPECT_EQ(order(c), raft_errc::precondition_failed);
  EXPECT_FALSE(members().contains(node_id(4)));
}

// The new quorum is lost before the joint membership is committed.
TEST_F(members_test, a_change_whose_new_voters_are_lost_is_taken_back) {
  auto& s = play(5, 3);
  ASSERT_EQ(order(change(kind::add_nodes, {4, 5})), raft_errc::none);
  const auto answer = s.begin(leader_, change(kind::replace_voters, {leader_.value, 4, 5}));
  // No acknowledgement of the joint membership gets through.
  ASSERT_TRUE(s.run_until([&] { return s.nodes().leadership_of(leader_)->members().joint(); }, 2s));
  s.nodes().kill(node_id(4));
  s.nodes().kill(node_id(5));
  EXPECT_TRUE(s.write_somewhere(5s));
  EXPECT_FALSE(members().joint());
}

TEST_F(members_test, a_change_that_waits_for_a_node_can_be_aborted) {
  auto& s = play(4, 3);
  s.nodes().kill(node_id(4));
  const auto answer = s.begin(leader_, change(kind::add_voters, {4}), 60s);
  s.run_for(200ms);
  EXPECT_EQ(order(abort_change{}), raft_errc::none) << reply_.why;
  ASSERT_TRUE(s.run_until([&] { return answer->has_value(); }, 1s));
  EXPECT_EQ((*answer)->code, raft_errc::dropped);
  EXPECT_EQ(order(abort_change{}), raft_errc::not_allowed);
  EXPECT_EQ(order(change(kind::remove_nodes, {4})), raft_errc::none);
}

// -- restarts -------------------------------------------------------------------------------------

// Scenarios 47 and 57: what the log says holds, not what the node was started with.
TEST_F(members_test, the_membership_in_the_log_outlives_restarts) {
  auto& s = play(4, 3);
  ASSERT_EQ(order(change(kind::add_voters, {4})), raft_errc::none);
  for (const auto id : s.nodes().ids()) s.nodes().kill(id);
  const auto all_up = [&] {
    for (const auto id : s.nodes().down()) s.nodes().start(id);
    return s.nodes().down().empty();
  };
  ASSERT_TRUE(s.run_until(all_up, 5s));
  EXPECT_TRUE(s.write_somewhere(5s));
  EXPECT_EQ(members().voters(), ids({1, 2, 3, 4}));
}

// Scenarios 46 and 47: what only one node has is in force there, until it is overwritten.
TEST_F(members_test,
       a_membership_that_is_not_committed_outlives_a_restart_and_not_its_overwriting) {
  auto& s = play(4, 3);
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none) << reply_.why;
  const auto lost = leader_;
  s.run_for(200ms);
  for (const auto id : s.nodes().ids()) s.net().cut(lost, id), s.net().cut(id, lost);
  const auto answer = s.begin(lost, change(kind::add_voters, {4}));
  const auto joint = [&] {
    const auto* leading = s.nodes().leadership_of(lost);
    return leading != nullptr && leading->members().joint();
  };
  ASSERT_TRUE(s.run_until(joint, 1s));
  s.run_for(10ms);
  restart(lost);
  ASSERT_TRUE(s.run_until([&] { return !s.nodes().members_at(lost).voters().empty(); }, 1s));
  EXPECT_TRUE(s.nodes().members_at(lost).joint());
  ASSERT_TRUE(s.write_somewhere(5s));
  s.net().heal();
  EXPECT_TRUE(s.run_until([&] { return !s.nodes().members_at(lost).joint(); }, 5s));
  EXPECT_EQ(s.nodes().members_at(lost).voters(), ids({1, 2, 3}));
}

// Scenario 49.
TEST_F(members_test, a_node_that_does_not_know_that_it_was_removed_disturbs_nobody) {
  auto& s = play(3, 3);
  const auto removed = a_follower();
  for (const auto id : s.nodes().ids())
    if (id != removed) s.net().cut(id, removed);
  ASSERT_EQ(order(change(kind::remove_nodes, {removed.value})), raft_errc::none) << reply_.why;
  s.net().heal();
  const auto term = s.term_of(leader_);
  s.run_for(10s);
  EXPECT_EQ(s.leader(), leader_);
  EXPECT_EQ(s.term_of(leader_), term);
  EXPECT_TRUE(s.of(removed).members.contains(removed));
  EXPECT_EQ(s.of(removed).role, "no member") << "those whom it asks for votes say so";
  ASSERT_EQ(order(change(kind::add_nodes, {removed.value})), raft_errc::none) << reply_.why;
  s.run_for(1s);
  EXPECT_EQ(s.of(removed).role, "learner");
}

TEST_F(members_test, a_node_that_began_another_cluster_is_seen_to_refuse) {
  auto o = present(3, 3);
  o.genesis = false;
  stage_ = std::make_unique<stage>(o);
  auto& s = *stage_;
  const core::membership two{{core::quorum::majority(ids({2, 3}))}, named({2, 3})};
  for (const auto id : s.nodes().ids())
    s.ask<initialize, done>(id, {id == node_id(3) ? two : members_of(3)}, 1s);
  leader_ = s.await_leader();
  s.run_for(1s);
  const auto followers = s.of(leader_).replication;
  EXPECT_TRUE(std::ranges::is_sorted(followers, {}, &status::peer::id));
  ASSERT_EQ(followers.back().id, node_id(3));
  EXPECT_EQ(followers.back().state, "refuses");
  stage_.reset();  // the judge takes the two for one cluster with two first entries
}

// An operator mixes up two addresses: whom the leader finds there is not who should be there.
TEST_F(members_test, nodes_at_each_others_address_refuse_and_are_neither_counted_nor_given_up) {
  auto& s = play(5, 5);
  s.run_for(200ms);
  std::vector<node_id> others = s.nodes().ids();
  std::erase(others, leader_);
  const auto set = [&](node_id first, node_id second) {
    auto c = change(kind::set_nodes, {});
    c.changes.front().nodes[others[2]].address = address_of(first);
    c.changes.front().nodes[others[3]].address = address_of(second);
    return c;
  };
  ASSERT_EQ(order(set(others[3], others[2])), raft_errc::none) << reply_.why;
  s.run_for(1s);
  for (const auto& peer : s.of(leader_).replication)
    EXPECT_EQ(peer.state, peer.id == others[2] || peer.id == others[3] ? "refuses" : "streaming");
  // Three of five are a quorum, and two are none, whatever answers at the others' addresses.
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  s.nodes().kill(others[0]);
  EXPECT_NE(s.read(leader_, read_mode::linearizable, 200ms).code, raft_errc::none);
  up_again(others[0]);
  ASSERT_EQ(order(set(others[2], others[3])), raft_errc::none) << reply_.why;
  s.nodes().kill(others[0]);
  s.nodes().kill(others[1]);
  EXPECT_EQ(s.write(s.await_leader()).code, raft_errc::none) << "the two count again";
}

// -- data directories -----------------------------------------------------------------------------

// Scenario 29: the follower forgot what it acknowledged and what it promised.
TEST_F(members_test, a_wiped_node_is_neither_counted_nor_heard) {
  auto& s = play(3, 3);
  for (int i = 0; i < 20; ++i) s.write(leader_);
  const auto wiped = a_follower();
  const auto other = [&] {
    for (const auto id : s.nodes().ids())
      if (id != leader_ && id != wiped) return id;
    return node_id{};
  }();
  s.nodes().wipe(wiped);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(wiped), s.nodes().is_up(wiped); }, 5s));
  EXPECT_EQ(s.write(leader_).code, raft_errc::none) << "two are enough";
  s.run_for(1s);
  const auto status = s.of(leader_);
  const auto seen = std::ranges::find(status.replication, wiped, &troupe::status::peer::id);
  ASSERT_TRUE(seen != status.replication.end());
  EXPECT_EQ(seen->state, "replaced");
  for (const auto what : {kind::add_nodes, kind::add_voters})
    EXPECT_EQ(order(change(what, {wiped.value})), raft_errc::not_allowed) << reply_.why;
  // Its word elects nobody, and it does not stand in for the other's disk; not even when somebody
  // has it begin the cluster again.
  EXPECT_EQ(initialized(wiped), raft_errc::not_allowed);
  s.nodes().kill(other);
  EXPECT_NE(s.write(leader_, 2s).code, raft_errc::none);
  s.run_for(5s);
  const auto reply = s.begin(leader_, elect{leader_});
  s.run_for(1s);
  EXPECT_EQ(s.leader(), node_id{});
}

// Scenario 54, and the way forward out of 29.
TEST_F(members_test, a_wiped_node_comes_back_as_an_empty_learner_when_it_is_removed_and_added) {
  auto& s = play(3, 3);
  for (int i = 0; i < 20; ++i) s.write(leader_);
  const auto wiped = a_follower();
  s.nodes().wipe(wiped);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(wiped), s.nodes().is_up(wiped); }, 5s));
  ASSERT_EQ(order(change(kind::remove_nodes, {wiped.value})), raft_errc::none) << reply_.why;
  ASSERT_EQ(order(change(kind::add_nodes, {wiped.value})), raft_errc::none) << reply_.why;
  EXPECT_TRUE(s.run_until([&] { return s.applied_at(wiped) == s.applied_at(leader_); }, 5s));
  ASSERT_EQ(order(change(kind::add_voters, {wiped.value})), raft_errc::none) << reply_.why;
  EXPECT_EQ(members().voters(), ids({1, 2, 3}));
  for (const auto id : s.nodes().ids())
    if (id != leader_ && id != wiped) s.nodes().kill(id);
  EXPECT_EQ(s.write(leader_).code, raft_errc::none) << "it counts again";
}

}  // namespace
}  // namespace troupe::sim
