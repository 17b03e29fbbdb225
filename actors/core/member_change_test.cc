#include "actors/core/member_change.h"

#include <initializer_list>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

using kind = member_change::kind;

// `ids` with the addresses that samples.h gives them.
std::map<node_id, member> known(std::initializer_list<uint64_t> ids) {
  std::map<node_id, member> nodes;
  for (uint64_t id : ids) nodes[node_id(id)].address = "host:" + std::to_string(id);
  return nodes;
}

std::map<node_id, member> bare(std::initializer_list<uint64_t> ids) {
  std::map<node_id, member> nodes;
  for (uint64_t id : ids) nodes[node_id(id)];
  return nodes;
}

quorum majority(std::initializer_list<uint64_t> ids) {
  std::set<node_id> voters;
  for (uint64_t id : ids) voters.insert(node_id(id));
  return quorum::majority(voters);
}

// Node 1 weighs as much as 2 and 3.
quorum weighted() { return quorum({{2, node_id(1)}, {1, node_id(2)}, {1, node_id(3)}}, 3, 2); }

// {1,2,3} learners {4,5}; node n has incarnation 10n and priority n.
membership five(const quorum& tree = majority({1, 2, 3})) {
  auto nodes = known({1, 2, 3, 4, 5});
  for (auto& [id, node] : nodes) node.incarnation = 10 * id.value, node.priority = id.value;
  return membership({tree}, nodes);
}

membership goal_after(const membership& current, const std::vector<member_change>& changes,
                      bool retain = false) {
  auto goal = goal_of(current, changes, retain, vote_mode::standard);
  EXPECT_TRUE(goal.ok()) << goal.status();
  return goal.ok() ? *goal : membership();
}

// The goal in short, or why there is none.
std::string outcome(const membership& current, const std::vector<member_change>& changes,
                    bool retain = false, vote_mode mode = vote_mode::standard) {
  const auto goal = goal_of(current, changes, retain, mode);
  if (!goal.ok()) {
    EXPECT_EQ(goal.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(goal.status().message());
  }
  EXPECT_TRUE(goal->check(mode).ok());
  EXPECT_FALSE(goal->joint());
  std::ostringstream text;
  text << *goal;
  return text.str();
}

constexpr char say_set_quorum[] =
    "the quorum is not a majority of single nodes: change its voters by set_quorum";

TEST(member_change_test, nothing_changes_by_no_change) {
  EXPECT_EQ(goal_after(five(), {}), five());
  for (auto what : {kind::add_voters, kind::remove_voters, kind::add_nodes, kind::set_nodes,
                    kind::remove_nodes, kind::set_priorities})
    for (const auto& tree : {majority({1, 2, 3}), weighted()})
      EXPECT_EQ(goal_after(five(tree), {{what, {}, {}}}), five(tree));
}

TEST(member_change_test, voters_are_added_to_a_majority) {
  EXPECT_EQ(outcome(five(), {{kind::add_voters, bare({4}), {}}}), "majority(1,2,3,4) learners {5}");
  EXPECT_EQ(outcome(five(), {{kind::add_voters, known({6, 7}), {}}}),
            "majority(1,2,3,6,7) learners {4,5}");
  EXPECT_EQ(outcome(five(), {{kind::add_voters, bare({2, 3}), {}}}),
            "majority(1,2,3) learners {4,5}");
  EXPECT_EQ(outcome(five(), {{kind::add_voters, bare({9}), {}}}),
            "node 9 is not a member and has no address");
}

TEST(member_change_test, voters_are_removed_from_a_majority_and_leave) {
  EXPECT_EQ(outcome(five(), {{kind::remove_voters, bare({1, 3}), {}}}),
            "majority(2) learners {4,5}");
  EXPECT_EQ(outcome(five(), {{kind::remove_voters, bare({1, 4}), {}}}), "node 4 is not a voter");
  EXPECT_EQ(outcome(five(), {{kind::remove_voters, bare({9}), {}}}), "node 9 is not a voter");
  EXPECT_EQ(outcome(five(), {{kind::remove_voters, bare({1, 2, 3}), {}}}), "no voters left");
}

TEST(member_change_test, voters_that_are_removed_stay_as_learners_when_retained) {
  const bool retain = true;
  EXPECT_EQ(outcome(five(), {{kind::remove_voters, bare({1}), {}}}, retain),
            "majority(2,3) learners {1,4,5}");
  EXPECT_EQ(outcome(five(), {{kind::replace_voters, bare({4}), {}}}, retain),
            "majority(4) learners {1,2,3,5}");
  EXPECT_EQ(outcome(five(), {{kind::set_quorum, {}, majority({2})}}, retain),
            "majority(2) learners {1,3,4,5}");
  EXPECT_EQ(outcome(five(), {{kind::remove_nodes, bare({1}), {}}}, retain),
            "majority(2,3) learners {4,5}");
}

TEST(member_change_test, voters_are_replaced_by_a_majority_of_whom_is_named) {
  const member_change replace{kind::replace_voters, known({3, 4, 6}), {}};
  EXPECT_EQ(outcome(five(), {replace}), "majority(3,4,6) learners {5}");
  EXPECT_EQ(outcome(five(weighted()), {replace}), "majority(3,4,6) learners {5}");
  EXPECT_EQ(outcome(five(), {{kind::replace_voters, {}, {}}}), "no voters left");
  EXPECT_EQ(outcome(five(), {{kind::replace_voters, bare({1, 9}), {}}}),
            "node 9 is not a member and has no address");
}

TEST(member_change_test, nodes_join_as_learners_and_members_stay_as_they_are) {
  EXPECT_EQ(outcome(five(), {{kind::add_nodes, known({6}), {}}}),
            "majority(1,2,3) learners {4,5,6}");
  EXPECT_EQ(outcome(five(), {{kind::add_nodes, bare({6}), {}}}),
            "node 6 is not a member and has no address");
  EXPECT_EQ(goal_after(five(), {{kind::add_nodes, {{node_id(2), {"else:2", 7, 7}}}, {}}}), five());
  EXPECT_EQ(goal_after(five(), {{kind::add_voters, {{node_id(2), {"else:2", 7, 7}}}, {}}}), five());
}

TEST(member_change_test, an_address_is_overwritten_only_when_it_is_set) {
  const auto goal = goal_after(
      five(),
      {{kind::set_nodes, {{node_id(2), {"new:2", 7, 7}}, {node_id(6), {"new:6", 7, 7}}}, {}}});
  EXPECT_EQ(goal.nodes().at(node_id(2)), (member{"new:2", 20, 2}));
  EXPECT_EQ(goal.nodes().at(node_id(6)), (member{"new:6", 0, 7}));
  EXPECT_EQ(goal.configs(), five().configs());
  EXPECT_EQ(goal.learners(), (std::set{node_id(4), node_id(5), node_id(6)}));
  EXPECT_EQ(outcome(five(), {{kind::set_nodes, bare({2}), {}}}), "node 2 is given no address");
}

TEST(member_change_test, nodes_are_removed_whether_they_vote_or_not) {
  EXPECT_EQ(outcome(five(), {{kind::remove_nodes, bare({1, 4}), {}}}),
            "majority(2,3) learners {5}");
  EXPECT_EQ(outcome(five(), {{kind::remove_nodes, bare({4, 9}), {}}}), "node 9 is not a member");
  EXPECT_EQ(outcome(five(), {{kind::remove_nodes, bare({1, 2, 3}), {}}}), "no voters left");
}

TEST(member_change_test, all_nodes_are_replaced_but_the_voters) {
  EXPECT_EQ(outcome(five(), {{kind::replace_nodes, known({1, 5, 6}), {}}}),
            "majority(1,2,3) learners {5,6}");
  EXPECT_EQ(outcome(five(), {{kind::replace_nodes, {}, {}}}), "majority(1,2,3)");
  EXPECT_EQ(outcome(five(), {{kind::replace_nodes, bare({6}), {}}}),
            "node 6 is not a member and has no address");
}

TEST(member_change_test, voters_of_another_quorum_than_a_majority_are_changed_only_with_it) {
  for (const auto& tree : {weighted(), quorum({{1, majority({1, 2, 3})}}, 1, 1)}) {
    EXPECT_EQ(outcome(five(tree), {{kind::add_voters, bare({4}), {}}}), say_set_quorum);
    EXPECT_EQ(outcome(five(tree), {{kind::remove_voters, bare({3}), {}}}), say_set_quorum);
    EXPECT_EQ(outcome(five(tree), {{kind::remove_nodes, bare({3}), {}}}), say_set_quorum);
    EXPECT_EQ(goal_after(five(tree), {{kind::add_voters, bare({3}), {}}}), five(tree));
    EXPECT_EQ(goal_after(five(tree), {{kind::remove_nodes, bare({4}), {}}}).configs(),
              std::vector{tree});
  }
}

TEST(member_change_test, a_quorum_is_set_and_brings_its_nodes) {
  const quorum tree({{1, majority({1, 4, 6})}, {1, node_id(2)}}, 2, 2);
  const auto goal = goal_after(five(), {{kind::set_quorum, known({6, 7}), tree}});
  EXPECT_EQ(goal.configs(), std::vector{tree});
  EXPECT_EQ(goal.learners(), (std::set{node_id(5), node_id(7)}));
  EXPECT_FALSE(goal.contains(node_id(3)));
  EXPECT_EQ(outcome(five(), {{kind::set_quorum, known({7}), tree}}),
            "node 6 is not a member and has no address");
  EXPECT_EQ(outcome(five(), {{kind::set_quorum, {}, {}}}), "no voters left");
}

TEST(member_change_test, a_quorum_that_does_not_meet_is_refused_for_the_reason) {
  const quorum apart({{1, node_id(1)}, {1, node_id(2)}}, 1, 1);
  const quorum two_leaders({{1, node_id(1)}, {1, node_id(2)}}, 1, 2);
  const auto after = [](const quorum& q, vote_mode mode) {
    return outcome(five(), {{kind::set_quorum, {}, q}}, false, mode);
  };
  EXPECT_EQ(after(apart, vote_mode::advanced), apart.check(vote_mode::advanced).message());
  EXPECT_EQ(after(two_leaders, vote_mode::standard),
            two_leaders.check(vote_mode::standard).message());
  EXPECT_NE(after(two_leaders, vote_mode::advanced), after(two_leaders, vote_mode::standard));
}

TEST(member_change_test, priorities_are_set_and_nothing_else) {
  auto expected = five().nodes();
  expected[node_id(1)].priority = 8;
  expected[node_id(4)].priority = 0;
  const std::map<node_id, member> named = {{node_id(1), {"x", 7, 8}}, {node_id(4), {"", 7, 0}}};
  EXPECT_EQ(goal_after(five(), {{kind::set_priorities, named, {}}}),
            membership(five().configs(), expected));
  EXPECT_EQ(outcome(five(), {{kind::set_priorities, known({6}), {}}}), "node 6 is not a member");
}

TEST(member_change_test, changes_apply_in_order_and_only_the_result_must_make_sense) {
  const member_change join{kind::add_nodes, known({6}), {}};
  const member_change promote{kind::add_voters, bare({6}), {}};
  const member_change empty{kind::remove_nodes, bare({1, 2, 3}), {}};
  EXPECT_EQ(outcome(five(), {join, promote}), "majority(1,2,3,6) learners {4,5}");
  EXPECT_EQ(outcome(five(), {promote, join}), "node 6 is not a member and has no address");
  EXPECT_EQ(outcome(five(), {empty, join, promote}), "majority(6) learners {4,5}");
  EXPECT_EQ(outcome(five(weighted()), {{kind::replace_voters, bare({1, 2, 3}), {}}, join, promote}),
            "majority(1,2,3,6) learners {4,5}");
}

TEST(member_change_test, a_joint_membership_changes_from_where_it_goes) {
  const membership joint({majority({1, 2, 3}), majority({3, 4, 5})}, five().nodes());
  EXPECT_EQ(outcome(joint, {}), "majority(3,4,5) learners {1,2}");
  EXPECT_EQ(outcome(joint, {{kind::add_voters, bare({1}), {}}}), "majority(1,3,4,5) learners {2}");
  EXPECT_EQ(outcome(joint, {{kind::remove_voters, bare({1}), {}}}), "node 1 is not a voter");
  EXPECT_EQ(outcome(joint, {{kind::replace_voters, bare({1, 2}), {}}}), "majority(1,2)");
}

// Scenario 54: whoever comes back under an old id may have a new disk.
TEST(member_change_test, who_leaves_loses_its_incarnation_and_who_stays_keeps_it) {
  const auto without = goal_after(five(), {{kind::remove_nodes, bare({3}), {}}});
  const auto again =
      goal_after(without, {{kind::add_voters, {{node_id(3), {"host:3", 30, 6}}}, {}}});
  EXPECT_EQ(again.nodes().at(node_id(3)), (member{"host:3", 0, 6}));
  EXPECT_TRUE(again.admits(node_id(3), 31));
  EXPECT_EQ(again.nodes().at(node_id(2)), (member{"host:2", 20, 2}));

  const auto stayed =
      goal_after(five(), {{kind::remove_nodes, bare({3}), {}}, {kind::add_voters, known({3}), {}}});
  EXPECT_EQ(stayed.nodes().at(node_id(3)).incarnation, 30u);
}

TEST(member_change_test, two_nodes_never_have_one_address) {
  const std::map<node_id, member> taken = {{node_id(6), {"host:2"}}};
  for (auto what : {kind::add_nodes, kind::add_voters, kind::set_nodes})
    EXPECT_EQ(outcome(five(), {{what, taken, {}}}), "nodes 2 and 6 have the same address host:2");
  EXPECT_EQ(outcome(five(), {{kind::add_nodes, taken, {}}, {kind::remove_nodes, bare({2}), {}}}),
            "majority(1,3) learners {4,5,6}");
  EXPECT_EQ(outcome(five(),
                    {{kind::set_nodes, {{node_id(4), {"host:5"}}, {node_id(5), {"host:4"}}}, {}}}),
            "majority(1,2,3) learners {4,5}");
}

TEST(member_change_test, what_makes_no_sense_at_all_is_refused) {
  for (auto what : {kind::add_nodes, kind::add_voters, kind::set_nodes, kind::replace_voters})
    EXPECT_NE(outcome(five(), {{what, known({0}), {}}}).find(": 0 is not a node id"),
              std::string::npos);
  EXPECT_EQ(outcome(membership(), {{kind::add_voters, known({1}), {}}}),
            "there is no membership yet");
  EXPECT_EQ(outcome(five(), {{kind(9), known({1}), {}}}), "unknown change 9");
}

}  // namespace
}  // namespace troupe::core
