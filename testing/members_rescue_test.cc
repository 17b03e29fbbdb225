// Changes of the membership that end badly, and what saves the cluster: who stands for election,
// who may vote, which acknowledgements count. Each was found by the simulation.
#include "caf/send.hpp"
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class members_rescue_test : public members_scene {
 protected:
  // A log that a wiped node gets back entry by entry, with nothing of its own to begin with.
  stage& play_slowly(size_t nodes, size_t voters) {
    auto o = present(nodes, voters);
    o.genesis_again = false;
    o.limits.replication.request = byte_count(1);
    o.limits.replication.requests = 1;
    stage_ = std::make_unique<stage>(o);
    leader_ = stage_->await_leader();
    for (int i = 0; i < 20; ++i) stage_->write(leader_);
    return *stage_;
  }
  // The first membership is everywhere, and what is written after it not on `behind`.
  stage& play_cut_off(node_id behind) {
    stage_ = std::make_unique<stage>(present(3, 3));
    auto& s = *stage_;
    const auto began = [&](node_id id) { return !s.nodes().members_at(id).empty(); };
    EXPECT_TRUE(s.run_until([&] { return std::ranges::all_of(s.nodes().ids(), began); }, 5s));
    for (const auto id : s.nodes().ids()) s.net().cut(behind, id);
    EXPECT_TRUE(s.run_until([&] { return !s.nodes().leading().empty(); }, 5s));
    leader_ = s.nodes().leading().front();
    EXPECT_NE(leader_, behind);
    return s;
  }
  // `removed` leads and writes the entry that removes it; it starts again before anyone else has
  // it.
  void remove_and_forget(node_id removed, node_id stays) {
    auto& s = *stage_;
    const auto answer = s.begin(removed, change(kind::remove_nodes, {removed.value}));
    const auto last_step = [&] {
      const auto* leading = s.nodes().leadership_of(removed);
      return leading != nullptr && !leading->members().is_voter(removed);
    };
    ASSERT_TRUE(s.run_until(last_step, 2s));
    s.net().cut(removed, stays);
    s.run_for(10ms);
    restart(removed);
    s.net().heal();
    const auto done = [&] {
      return s.leader() == stays && s.nodes().members_at(stays).voters() == ids({stays.value});
    };
    EXPECT_TRUE(s.run_until(done, 10s));
    EXPECT_EQ(s.write(stays).code, raft_errc::none);
  }
};

// Thesis 4.2.2: the last step of its own removal is in the log of the removed leader alone. Its log
// is ahead, so it must stand for election, although it does not count.
TEST_F(members_rescue_test,
       a_removed_node_leads_once_more_when_only_it_has_the_entry_that_removes_it) {
  play(2, 2);
  remove_and_forget(leader_, a_follower());
}

// The last membership in its log does not name its data directory, but one before does.
TEST_F(members_rescue_test, a_removed_node_that_was_added_later_leads_once_more_as_well) {
  play(2, 1);
  ASSERT_EQ(order(change(kind::add_voters, {2})), raft_errc::none) << reply_.why;
  ASSERT_EQ(order(transfer{node_id(2)}), raft_errc::none) << reply_.why;
  remove_and_forget(node_id(2), node_id(1));
}

// An empty node belongs to no cluster and would grant nothing.
TEST_F(members_rescue_test, a_node_without_any_log_is_not_made_a_voter) {
  auto& s = play(2, 1);
  const auto answer = s.begin(leader_, change(kind::add_voters, {2}));
  ASSERT_TRUE(s.run_until([&] { return s.nodes().leadership_of(leader_)->members().joint(); }, 2s));
  s.net().cut(leader_, node_id(2));
  s.run_for(10ms);
  restart(leader_);
  s.net().heal();
  EXPECT_TRUE(s.write_somewhere(5s));
}

// Otherwise it could acknowledge, lose its disk and vote again.
TEST_F(members_rescue_test, a_voters_data_directory_is_known_before_it_votes) {
  auto& s = play(4, 3);
  const auto answer = s.begin(leader_, change(kind::add_voters, {4}));
  const auto joint = [&] { return s.nodes().leadership_of(leader_)->members().joint(); };
  ASSERT_TRUE(s.run_until(joint, 2s));
  const auto& nodes = s.nodes().leadership_of(leader_)->members().nodes();
  EXPECT_EQ(nodes.at(node_id(4)).incarnation >> 8, 4u);
}

// It granted its vote, never acknowledged anything, and forgot all: another disk under its name.
TEST_F(members_rescue_test,
       a_voter_that_lost_its_disk_before_its_first_acknowledgement_is_not_counted) {
  const node_id other(3);
  auto& s = play_cut_off(other);
  const auto voter = leader_ == node_id(1) ? node_id(2) : node_id(1);
  s.nodes().kill(voter);
  s.net().heal();
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
  s.nodes().kill(other);
  s.nodes().wipe(voter);
  up_again(voter);
  EXPECT_NE(s.write(leader_, 1s).code, raft_errc::none);
}

// The one that is left knows neither who it was nor what it acknowledged.
TEST_F(members_rescue_test, a_voter_that_lost_its_disk_does_not_begin_the_cluster_again) {
  const node_id late(3);
  auto& s = play_cut_off(late);
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  const auto early = leader_ == node_id(1) ? node_id(2) : node_id(1);
  s.nodes().kill(early);
  s.net().heal();
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  s.nodes().kill(leader_);
  s.nodes().wipe(late);
  up_again(late);
  s.run_for(1s);
  up_again(early);
  EXPECT_FALSE(s.write_somewhere(5s));
  up_again(leader_);
  EXPECT_TRUE(s.write_somewhere(5s));
}

TEST_F(members_rescue_test, a_cluster_begins_when_the_last_of_three_has_said_that_it_has_nothing) {
  auto o = present(3, 3);
  o.genesis = false;
  stage_ = std::make_unique<stage>(o);
  const node_id last(3);
  stage_->nodes().kill(last);
  EXPECT_EQ(initialized(node_id(1)), std::nullopt);
  EXPECT_EQ(initialized(node_id(2)), std::nullopt);
  up_again(last);
  EXPECT_TRUE(stage_->write_somewhere(5s));
}

// The one that is left has no more than the first membership, and the one that was wiped can not
// know that it had more.
TEST_F(members_rescue_test, a_voter_that_lost_its_disk_does_not_count_itself_as_one_that_had_none) {
  auto& s = play_cut_off(node_id(2));
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  const node_id wiped = leader_ == node_id(1) ? node_id(3) : node_id(1);
  s.nodes().kill(leader_);
  s.nodes().wipe(wiped);
  s.net().heal();
  up_again(wiped);
  EXPECT_FALSE(s.write_somewhere(5s));
  EXPECT_EQ(initialized(wiped), std::nullopt);
  EXPECT_FALSE(s.write_somewhere(5s));
  up_again(leader_);
  EXPECT_TRUE(s.write_somewhere(5s));
}

// The same, asked while the leader is there, which tells of its log as it was before it led.
TEST_F(members_rescue_test,
       a_voter_that_lost_its_disk_does_not_begin_the_cluster_of_a_live_leader) {
  const node_id late(3);
  auto& s = play_cut_off(late);
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  const auto early = leader_ == node_id(1) ? node_id(2) : node_id(1);
  s.nodes().kill(early);
  s.net().heal();
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  s.nodes().wipe(late);
  up_again(late);
  s.run_for(1s);
  s.nodes().kill(leader_);
  up_again(early);
  EXPECT_FALSE(s.write_somewhere(5s));
  up_again(leader_);
  EXPECT_TRUE(s.write_somewhere(5s));
}

// Acknowledgements of the old sessions do not count, so what is not committed is sent again.
TEST_F(members_rescue_test, the_addresses_of_all_followers_change_at_once) {
  auto& s = play(3, 3);
  auto c = change(kind::set_nodes, {1, 2, 3});
  for (auto& [id, node] : c.changes.front().nodes) node.address += ".new";
  EXPECT_EQ(order(c, 1s), raft_errc::none) << reply_.why;
  EXPECT_EQ(s.read(leader_).code, raft_errc::none);
}

TEST_F(members_rescue_test, a_leader_does_not_go_where_no_quorum_follows) {
  auto& s = play(3, 3);
  const auto dead = a_follower();
  const auto term = s.term_of(leader_);
  s.nodes().kill(dead);
  s.run_for(1s);
  EXPECT_EQ(order(change(kind::replace_voters, {leader_.value, dead.value}), 1s),
            raft_errc::not_ready);
  EXPECT_NE(reply_.why.find("which is unreachable"), std::string::npos) << reply_.why;
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
  EXPECT_EQ(s.term_of(leader_), term);
}

TEST_F(members_rescue_test, a_joint_membership_that_is_redirected_to_who_never_comes_is_left) {
  auto& s = play(4, 3);
  s.nodes().kill(node_id(4));
  const auto first = s.begin(leader_, change(kind::replace_voters, {1, 2}, true));
  const auto* leading = s.nodes().leadership_of(leader_);
  ASSERT_TRUE(s.run_until([&] { return leading->members().joint(); }, 2s));
  auto other = change(kind::replace_voters, {3, 4}, true);
  other.only_if.membership = leading->members_at();
  for (const auto id : s.nodes().ids()) s.net().cut(leader_, id);  // it cannot leave it meanwhile
  const auto second = s.begin(leader_, other, 1s);
  s.run_for(5ms);
  s.net().heal();
  ASSERT_TRUE(s.run_until([&] { return second->has_value(); }, 2s));
  EXPECT_EQ((*second)->code, raft_errc::not_ready) << (*second)->why;
  EXPECT_TRUE(s.run_until([&] { return !members().joint(); }, 2s));
}

// The rejoin bug (openraft's replication session): what a follower acknowledged before it was
// removed says nothing of it after it was added again.
TEST_F(members_rescue_test, an_acknowledgement_from_before_a_removal_does_not_count_after_it) {
  auto& s = play(4, 3);
  const node_id four(4);
  s.nodes().kill(four);
  const auto* leading = s.nodes().leadership_of(leader_);
  const auto said_late = [&](const acked& m) {
    caf::anon_send(s.nodes().leader_of(leader_), m);
    s.run_for(10ms);
    return leading->durable(four);
  };
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none) << reply_.why;
  const core::session session{leading->elected(), leading->members_at(), 1};
  const auto held = leading->last().last;
  const acked late{session, four, held, s.now(), 0, 0};
  EXPECT_EQ(said_late(late), held) << "this is what an acknowledgement looks like";
  ASSERT_EQ(order(change(kind::remove_nodes, {4})), raft_errc::none) << reply_.why;
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none) << reply_.why;
  EXPECT_EQ(said_late(late), log_id{});
}

// The log that it gets back says that it is the only voter, as it was at first.
TEST_F(members_rescue_test, a_wiped_node_that_reads_of_its_past_does_not_elect_itself) {
  auto& s = play_slowly(2, 1);
  ASSERT_EQ(order(change(kind::replace_voters, {2})), raft_errc::none) << reply_.why;
  ASSERT_TRUE(s.run_until([&] { return s.leader() == node_id(2); }, 2s));
  s.nodes().wipe(node_id(1));
  up_again(node_id(1));
  const auto answer = s.begin(node_id(2), change(kind::add_nodes, {1}));
  const auto began = [&] { return s.nodes().members_at(node_id(1)).is_voter(node_id(1)); };
  ASSERT_TRUE(s.run_until(began, 2s));
  s.net().cut(node_id(2), node_id(1));
  s.run_for(10ms);
  restart(node_id(1));
  s.run_for(5s);
  EXPECT_EQ(s.nodes().leading(), std::vector{node_id(2)});
}

// The same of two, who were a majority of the first members.
TEST_F(members_rescue_test, wiped_nodes_that_read_of_their_past_do_not_elect_each_other) {
  auto& s = play_slowly(3, 3);
  ASSERT_EQ(order(change(kind::replace_voters, {leader_.value})), raft_errc::none) << reply_.why;
  std::vector<node_id> wiped;
  change_members again = change(kind::add_nodes, {});
  for (const auto id : s.nodes().ids()) {
    if (id == leader_) continue;
    wiped.push_back(id);
    again.changes.front().nodes[id].address = address_of(id);
    s.nodes().wipe(id);
    up_again(id);
  }
  const auto answer = s.begin(leader_, again);
  // Each gets the first entry and no more.
  const auto some_began = [&] {
    std::erase_if(wiped, [&](node_id id) {
      const bool began = s.nodes().members_at(id).is_voter(id);
      if (began) s.net().cut(leader_, id);
      return began;
    });
    return wiped.empty();
  };
  ASSERT_TRUE(s.run_until(some_began, 2s));
  s.run_for(10ms);
  for (const auto id : s.nodes().ids())
    if (id != leader_) restart(id);
  s.run_for(5s);
  EXPECT_EQ(s.nodes().leading(), std::vector{leader_});
}

}  // namespace
}  // namespace troupe::sim
