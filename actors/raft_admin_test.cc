// What an operator orders through the handle: real scheduler, nodes of one process.
#include "actors/raft_fixture.h"

namespace troupe {
namespace {

using kind = core::member_change::kind;

admin_command voters(kind what, std::initializer_list<uint64_t> ids) {
  change_members c;
  c.changes.push_back({what, members_of(ids).nodes(), {}});
  return c;
}

TEST_F(raft_test, a_cluster_grows_and_shrinks_by_order_of_any_node) {
  start(3);
  ASSERT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
  EXPECT_TRUE(got(nodes_[0].write("add")).ok());
  const auto grown = got(nodes_[0].order(voters(kind::add_voters, {2, 3})));
  EXPECT_EQ(grown.code, raft_errc::none) << grown.why;
  EXPECT_EQ(got(nodes_[1].wait(until::leader_known(), patience)), waited::ok);
  EXPECT_TRUE(got(nodes_[1].write("add")).ok());
  const auto shrunk = got(nodes_[1].order(voters(kind::remove_nodes, {3})));
  EXPECT_EQ(shrunk.code, raft_errc::none) << shrunk.why;
  EXPECT_GT(shrunk.at, grown.at);
  EXPECT_EQ(shrunk.at, got(nodes_[0].status()).value.membership_at);
  EXPECT_EQ(nodes_[0].voter_ids(), (std::set{node_id(1), node_id(2)}));
}

TEST_F(raft_test, the_leadership_goes_where_it_is_ordered) {
  start_cluster(3, members_of({1, 2, 3}));
  auto& next = a_follower();
  const auto moved = got(nodes_[0].order(transfer{next.id()}));
  EXPECT_EQ(moved.code, raft_errc::none) << moved.why;
  const auto leads = [&](const metrics& m) { return m.leader.node == next.id(); };
  EXPECT_EQ(got(nodes_[0].wait(leads, patience)), waited::ok);
}

TEST_F(raft_test, an_order_that_makes_no_sense_is_refused_with_the_reason) {
  start_cluster(1, members_of({1}));
  const auto refused = got(nodes_[0].order(voters(kind::remove_nodes, {1})));
  EXPECT_EQ(refused.code, raft_errc::invalid);
  EXPECT_NE(refused.why.find("no voters left"), std::string::npos) << refused.why;
  EXPECT_EQ(got(nodes_[0].order(abort_transfer{})).code, raft_errc::not_allowed);
}

TEST_F(raft_test, an_order_to_a_node_that_has_ended_is_answered) {
  start_cluster(1, members_of({1}));
  nodes_[0].shutdown();
  EXPECT_NE(got(nodes_[0].order(transfer{})).code, raft_errc::none);
}

}  // namespace
}  // namespace troupe
