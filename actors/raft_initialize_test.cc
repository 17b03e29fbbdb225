// A first membership by call: who begins the cluster, and what the caller hears.
#include "actors/raft_fixture.h"

namespace troupe {
namespace {

using raft_initialize_test = virtual_raft_test;

TEST_F(raft_initialize_test, a_node_alone_begins_at_once) {
  start(1, {});
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
  EXPECT_TRUE(got(nodes_[0].write("add")).ok());
}

TEST_F(raft_initialize_test, who_calls_again_while_it_waits_may_name_other_members) {
  start(1, {});
  auto first = nodes_[0].initialize(members_of({1, 2, 3}));
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
  EXPECT_EQ(got(std::move(first)), raft_errc::outcome_unknown);
}

TEST_F(raft_initialize_test, a_late_call_with_the_same_members_finds_the_log_of_the_leader) {
  start(3, {});
  const auto three = members_of({1, 2, 3});
  for (const size_t i : {0, 1}) EXPECT_EQ(got(nodes_[i].initialize(three)), raft_errc::none);
  ASSERT_TRUE(run_until([&] { return leader() != nullptr; }));
  EXPECT_EQ(got(nodes_[2].initialize(three)), raft_errc::none);
  EXPECT_EQ(got(nodes_[2].initialize(members_of({1, 3}))), raft_errc::not_allowed);
}

}  // namespace
}  // namespace troupe
