// Rules of the metrics and of what is told from them: whole nodes of one process, in virtual time.
#include <algorithm>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

class raft_metrics_test : public virtual_raft_test {};

change_members added(uint64_t id) {
  change_members c;
  c.changes.push_back({core::member_change::kind::add_nodes, members_of({id}).nodes(), {}});
  return c;
}

TEST_F(raft_metrics_test, metrics_follow_a_write_on_every_node) {
  const auto members = members_of({1, 2, 3});
  start_led(3, members);
  const auto written = got(leader()->write("add"));
  ASSERT_TRUE(written.ok());
  for (auto& node : nodes_) {
    ASSERT_EQ(got(node.wait(until::applied_at_least(written.index), 10s)), waited::ok);
    const auto m = node.metrics();
    EXPECT_EQ(m.id, node.id());
    EXPECT_EQ(m.life, node_life::running);
    EXPECT_EQ(m.last.index, written.index);
    EXPECT_EQ(m.committed, written.index);
    EXPECT_EQ(m.leader.node, leader()->id());
    EXPECT_EQ(m.vote, (vote{m.leader, true}));
    EXPECT_EQ(m.members, members);
    EXPECT_EQ(m.members_at.index, log_index(1));
    EXPECT_TRUE(m.members_committed());
    EXPECT_EQ(m.role == node_role::leader, node.is_leader());
    EXPECT_EQ(m.quorum_acked.has_value(), node.is_leader());
  }
}

TEST_F(raft_metrics_test, a_leader_tells_what_its_followers_have) {
  start_led(3, members_of({1, 2, 3}));
  auto& node = *leader();
  const auto index = got(node.write("add")).index;
  const auto all_have_it = [&](const metrics& m) {
    return m.replication.size() == 2 && std::ranges::all_of(m.replication, [&](const auto& peer) {
             return peer.second.matched == index;
           });
  };
  EXPECT_EQ(got(node.wait(all_have_it, 1s)), waited::ok);
  const auto before = node.as_leader();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->id, node.metrics().vote.leader);
  EXPECT_EQ(got(node.wait(until::quorum_acked(before->quorum_acked + 1ms), 1s)), waited::ok);
}

TEST_F(raft_metrics_test, nothing_was_heard_of_a_peer_that_never_answered) {
  start_led(2, members_of({1, 2}));
  ASSERT_EQ(got(leader()->order(added(3))).code, raft_errc::none);  // and no third node
  const auto one_was_heard = [](const metrics& m) {
    const auto& all = m.replication;
    return all.contains(node_id(3)) &&
           std::ranges::any_of(all, [](const auto& p) { return p.second.heard.has_value(); });
  };
  ASSERT_EQ(got(leader()->wait(one_was_heard, 1s)), waited::ok);
  const auto peers = leader()->metrics().replication;
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers.at(node_id(3)).heard, std::nullopt);
}

TEST_F(raft_metrics_test, a_membership_that_is_not_committed_stands_beside_the_one_that_is) {
  const auto before = members_of({1, 2});
  start_led(2, before);
  auto& node = *leader();
  EXPECT_EQ(node.metrics().committed_members(), before);
  nodes_[node.id() == node_id(1) ? 1 : 0].stop();
  run();
  const auto ordered = node.order(added(3));
  ASSERT_EQ(got(node.wait([](const metrics& m) { return m.members.contains(node_id(3)); }, 1s)),
            waited::ok);
  const auto m = node.metrics();
  EXPECT_FALSE(m.members_committed());
  EXPECT_EQ(m.committed_members(), before);
  EXPECT_EQ(m.committed_members_at().index, log_index(1));
  const auto s = got(node.status());
  EXPECT_TRUE(s.value.members.contains(node_id(3)));
  EXPECT_EQ(s.value.committed_members, before);
}

TEST_F(raft_metrics_test, who_is_behind_knows_how_much_the_cluster_has_committed) {
  start_led(2, members_of({1, 2}));
  const auto last = got(leader()->write_many(commands(100))).index;
  nodes_.push_back(*start_node(system_, options_of(node_id(3), network_)));
  network_->add(nodes_.back());
  auto behind = nodes_.back().wait(
      [last](const metrics& m) { return m.cluster_committed >= last && m.committed < last; }, 10s);
  ASSERT_EQ(got(leader()->order(added(3))).code, raft_errc::none);
  EXPECT_EQ(got(std::move(behind)), waited::ok);
  EXPECT_EQ(got(nodes_.back().wait(until::committed_at_least(last), 10s)), waited::ok);
}

TEST_F(raft_metrics_test, a_leader_is_asked_to_wait_until_a_learner_has_caught_up) {
  start_led(2, members_of({1, 2}));
  ASSERT_EQ(got(leader()->write_many(commands(100))).code, raft_errc::none);
  nodes_.push_back(*start_node(system_, options_of(node_id(3), network_)));
  network_->add(nodes_.back());
  ASSERT_EQ(got(leader()->order(added(3))).code, raft_errc::none);
  EXPECT_EQ(got(leader()->wait(until::caught_up(node_id(3), 0), 10s)), waited::ok);
  EXPECT_EQ(nodes_[2].metrics().last, leader()->metrics().last);
  EXPECT_EQ(got(nodes_[2].wait(until::caught_up(node_id(3), 0), 1s)), waited::timed_out);
}

TEST_F(raft_metrics_test, leadership_is_told_alike_by_all_short_questions) {
  start_led(3, members_of({1, 2, 3}));
  for (auto& node : nodes_) {
    EXPECT_EQ(node.current_leader(), leader()->id());
    EXPECT_EQ(node.as_leader().has_value(), node.is_leader());
    EXPECT_TRUE(node.is_initialized());
    EXPECT_EQ(node.voter_ids(), members_of({1, 2, 3}).voters());
    EXPECT_TRUE(node.learner_ids().empty());
    EXPECT_EQ(node.config().timing.heartbeat_interval, core::timing().heartbeat_interval);
  }
}

TEST_F(raft_metrics_test, a_node_without_members_is_not_initialized) {
  start(1, {});
  EXPECT_EQ(got(nodes_[0].wait(until::running(), 1s)), waited::ok);
  EXPECT_FALSE(nodes_[0].is_initialized());
  EXPECT_EQ(nodes_[0].metrics().role, node_role::learner);
  EXPECT_EQ(got(nodes_[0].wait(until::leader_known(), 1s)), waited::timed_out);
}

TEST_F(raft_metrics_test, totals_tell_how_much_shared_a_batch_and_a_sync) {
  start_led(1, members_of({1}));
  const auto before = nodes_[0].metrics().totals;
  EXPECT_EQ(before.candidacies, 1u);
  EXPECT_EQ(before.leaderships, 1u);
  ASSERT_EQ(got(nodes_[0].write_many(commands(5))).code, raft_errc::none);
  ASSERT_TRUE(got(nodes_[0].write("add")).ok());
  run();
  const auto after = nodes_[0].metrics().totals;
  EXPECT_EQ(after.commands - before.commands, 6u);
  EXPECT_EQ(after.batches - before.batches, 2u);
  EXPECT_EQ(after.appends - before.appends, 2u);
  EXPECT_EQ(after.syncs - before.syncs, 2u);
}

}  // namespace
}  // namespace troupe
