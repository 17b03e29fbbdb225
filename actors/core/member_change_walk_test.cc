// The way from one membership to another, step by step.
#include <array>
#include <initializer_list>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/core/member_change.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

using kind = member_change::kind;
using steps = std::vector<std::string>;

quorum majority(std::initializer_list<uint64_t> ids) {
  std::set<node_id> voters;
  for (uint64_t id : ids) voters.insert(node_id(id));
  return quorum::majority(voters);
}

std::map<node_id, member> named(std::initializer_list<uint64_t> ids) {
  std::map<node_id, member> nodes;
  for (uint64_t id : ids) nodes[node_id(id)].address = "host:" + std::to_string(id);
  return nodes;
}

membership goal_after(const membership& current, const std::vector<member_change>& changes,
                      bool retain = false) {
  auto goal = goal_of(current, changes, retain, vote_mode::standard);
  EXPECT_TRUE(goal.ok()) << goal.status();
  return goal.ok() ? *goal : current;
}

bool all_ready(node_id) { return true; }
bool none_ready(node_id) { return false; }

// The steps until there is none, each of which may follow the one before.
steps walk(membership at, const membership& goal,
           absl::FunctionRef<bool(node_id)> ready = all_ready) {
  steps taken;
  while (auto next = next_step(at, goal, ready)) {
    EXPECT_TRUE(coherent(std::array{at, *next})) << at << " to " << *next;
    EXPECT_TRUE(next->check(vote_mode::standard).ok()) << *next;
    std::ostringstream text;
    text << *next;
    taken.push_back(text.str());
    if (taken.size() > 3) ADD_FAILURE() << "no way takes more than three steps";
    if (taken.size() > 3) break;
    at = *next;
  }
  return taken;
}

TEST(member_change_walk_test, a_new_voter_learns_then_votes_jointly_then_alone) {
  const auto three = majority_of(3);
  const auto goal = goal_after(three, {{kind::add_voters, named({4}), {}}});
  EXPECT_EQ(walk(three, goal), (steps{"majority(1,2,3) learners {4}",
                                      "majority(1,2,3) + majority(1,2,3,4)", "majority(1,2,3,4)"}));
}

TEST(member_change_walk_test, a_node_that_will_vote_must_catch_up_first) {
  const auto three = majority_of(3);
  const auto goal = goal_after(three, {{kind::add_voters, named({4, 5}), {}}});
  EXPECT_EQ(walk(three, goal, none_ready), steps{"majority(1,2,3) learners {4,5}"});
  EXPECT_EQ(walk(three, goal, [](node_id id) { return id == node_id(5); }),
            steps{"majority(1,2,3) learners {4,5}"});
}

TEST(member_change_walk_test, only_learners_that_will_vote_are_asked_whether_they_are_ready) {
  auto four = goal_after(majority_of(3), {{kind::add_nodes, named({4, 5}), {}}});
  const auto goal = goal_after(four, {{kind::replace_voters, named({2, 3, 4, 6}), {}}});
  std::set<node_id> asked;
  next_step(four, goal, [&](node_id id) { return asked.insert(id).second; });
  EXPECT_EQ(asked, std::set{node_id(4)});
}

// Scenario 56: nobody waits for one that is about to leave, or for a voter that is unreachable.
TEST(member_change_walk_test, a_dead_voter_does_not_hold_up_its_removal) {
  const auto three = majority_of(3);
  const auto two = goal_after(three, {{kind::remove_voters, named({3}), {}}});
  EXPECT_EQ(walk(three, two, none_ready),
            (steps{"majority(1,2,3) + majority(1,2)", "majority(1,2)"}));
  const auto joint = next_step(three, two, none_ready);
  EXPECT_TRUE(joint->satisfied(quorum_kind::write, [](node_id id) { return id.value < 3; }));
}

// Scenario 56: 2 -> 1 with the leaver dead cannot commit, and by no rule could it; but the way back
// is open, and the end is a usable membership when the leaver returns.
TEST(member_change_walk_test, a_change_that_cannot_commit_may_be_taken_back) {
  const auto two = majority_of(2);
  const auto joint =
      next_step(two, goal_after(two, {{kind::remove_nodes, named({2}), {}}}), all_ready);
  EXPECT_FALSE(joint->satisfied(quorum_kind::write, [](node_id id) { return id == node_id(1); }));
  const auto back = next_step(*joint, way_back(*joint), none_ready);
  EXPECT_EQ(*back, two);
  EXPECT_TRUE(coherent(std::array{two, *joint, *back}));
}

// Scenario 56: as many as one likes at once, in as many steps as one.
TEST(member_change_walk_test, many_nodes_join_and_leave_at_once) {
  const auto three = majority_of(3);
  EXPECT_EQ(walk(three, goal_after(three, {{kind::add_voters, named({4, 5, 6}), {}}})),
            (steps{"majority(1,2,3) learners {4,5,6}", "majority(1,2,3) + majority(1,2,3,4,5,6)",
                   "majority(1,2,3,4,5,6)"}));
  EXPECT_EQ(walk(three, goal_after(three, {{kind::replace_voters, named({4, 5}), {}}})),
            (steps{"majority(1,2,3) learners {4,5}", "majority(1,2,3) + majority(4,5)",
                   "majority(4,5)"}));
}

// Scenario 55.
TEST(member_change_walk_test, a_voter_that_is_demoted_counts_until_the_goal_alone_decides) {
  const auto five = goal_after(majority_of(3), {{kind::add_nodes, named({4, 5}), {}}});
  const bool retain = true;
  const auto goal = goal_after(five, {{kind::replace_voters, named({1, 4, 5}), {}}}, retain);
  EXPECT_EQ(walk(five, goal),
            (steps{"majority(1,2,3) + majority(1,4,5)", "majority(1,4,5) learners {2,3}"}));
  const auto joint = next_step(five, goal, all_ready);
  for (auto what : {quorum_kind::read, quorum_kind::write}) {
    const auto with = [&](const membership& m, std::set<uint64_t> ids) {
      return m.satisfied(what, [&](node_id id) { return ids.contains(id.value); });
    };
    EXPECT_FALSE(with(*joint, {1, 4}));
    EXPECT_TRUE(with(*joint, {1, 3, 4}));
    EXPECT_TRUE(with(goal, {1, 4}));
    EXPECT_FALSE(with(goal, {1, 2, 3}));
  }
}

TEST(member_change_walk_test, one_step_is_enough_while_the_quorum_stays) {
  const auto five = goal_after(majority_of(3), {{kind::add_nodes, named({4, 5}), {}}});
  const auto goal = goal_after(five, {{kind::remove_nodes, named({4}), {}},
                                      {kind::add_nodes, named({6}), {}},
                                      {kind::set_nodes, {{node_id(2), {"new:2"}}}, {}},
                                      {kind::set_priorities, {{node_id(3), {"", 0, 9}}}, {}}});
  EXPECT_EQ(*next_step(five, goal, none_ready), goal);
  EXPECT_EQ(walk(five, goal, none_ready), steps{"majority(1,2,3) learners {5,6}"});
}

// It may never catch up where it is looked for now.
TEST(member_change_walk_test, a_new_address_does_not_wait_for_its_node_to_catch_up) {
  const auto four = goal_after(majority_of(3), {{kind::add_nodes, named({4}), {}}});
  const auto goal = goal_after(
      four, {{kind::set_nodes, {{node_id(4), {"new:4"}}}, {}}, {kind::add_voters, named({4}), {}}});
  const auto first = next_step(four, goal, none_ready);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->configs(), four.configs());
  EXPECT_EQ(first->nodes(), goal.nodes());
  EXPECT_EQ(next_step(*first, goal, none_ready), std::nullopt);
}

// Scenario 53: the second of two changes starts from the joint membership of the first, and the
// cluster does not stay there.
TEST(member_change_walk_test, a_joint_membership_is_redirected_from_its_last_quorum) {
  const auto five = goal_after(majority_of(3), {{kind::add_nodes, named({4, 5}), {}}});
  const auto first = goal_after(five, {{kind::replace_voters, named({3, 4, 5}), {}}});
  const auto joint = *next_step(five, first, all_ready);
  EXPECT_EQ(walk(joint, goal_after(joint, {{kind::add_voters, named({1}), {}}})),
            (steps{"majority(3,4,5) + majority(1,3,4,5) learners {2}",
                   "majority(1,3,4,5) learners {2}"}));
  EXPECT_EQ(
      walk(joint, goal_after(joint, {{kind::replace_voters, named({5, 6}), {}}})),
      (steps{"majority(1,2,3) + majority(3,4,5) learners {6}",
             "majority(3,4,5) + majority(5,6) learners {1,2}", "majority(5,6) learners {1,2}"}));
  EXPECT_EQ(walk(joint, goal_after(joint, {{kind::replace_voters, named({1, 2, 3}), {}}})),
            steps{"majority(1,2,3)"});
}

// Scenario 45: a quorum of both committed it, then the last one alone decides, for nobody asks.
TEST(member_change_walk_test, a_joint_membership_is_left_forwards_or_backwards_in_one_step) {
  const membership joint({majority({1, 2, 3}), majority({3, 4, 5})}, addresses_of(6));
  EXPECT_EQ(walk(joint, way_out(joint), none_ready), steps{"majority(3,4,5) learners {1,2,6}"});
  EXPECT_EQ(walk(joint, way_back(joint), none_ready), steps{"majority(1,2,3) learners {4,5,6}"});
  EXPECT_EQ(way_out(joint).nodes(), joint.nodes());
  EXPECT_EQ(way_back(joint).nodes(), joint.nodes());
}

TEST(member_change_walk_test, a_uniform_membership_is_its_own_way_out_and_back) {
  for (const auto& m : {majority_of(3), membership()}) {
    EXPECT_EQ(way_out(m), m);
    EXPECT_EQ(way_back(m), m);
  }
}

TEST(member_change_walk_test, incarnations_that_are_registered_on_the_way_are_kept) {
  const auto three = majority_of(3);
  const auto goal = goal_after(three, {{kind::add_voters, named({4}), {}}});
  auto at = *next_step(three, goal, all_ready);
  auto nodes = at.nodes();
  for (auto& [id, node] : nodes) node.incarnation = 10 * id.value;
  at = membership(at.configs(), nodes);
  for (int i = 0; i < 2; ++i) at = *next_step(at, goal, all_ready);
  EXPECT_EQ(next_step(at, goal, all_ready), std::nullopt);
  EXPECT_EQ(at, membership(goal.configs(), nodes));
  EXPECT_TRUE(reached(at, goal));
}

// Scenario 54: a goal that was drawn up before its node left and came back knows the old disk.
TEST(member_change_walk_test, a_step_knows_no_incarnation_that_the_membership_forgot) {
  auto nodes = named({1, 2, 3, 4});
  nodes[node_id(4)].incarnation = 40;
  const membership goal({majority({1, 2, 3})}, nodes);
  const auto joined = next_step(majority_of(3), goal, all_ready);
  EXPECT_EQ(joined->nodes().at(node_id(4)).incarnation, 0u);
  nodes[node_id(4)].incarnation = 41;
  const membership registered({majority({1, 2, 3})}, nodes);
  EXPECT_EQ(next_step(registered, goal, all_ready), std::nullopt);
}

TEST(member_change_walk_test, a_goal_is_reached_when_all_but_incarnations_is_the_same) {
  const auto goal = majority_of(2);
  const auto with = [&](member second) {
    auto nodes = goal.nodes();
    nodes[node_id(2)] = second;
    return membership(goal.configs(), nodes);
  };
  EXPECT_TRUE(reached(with({"host:2", 7, 0}), goal));
  EXPECT_FALSE(reached(with({"else:2", 0, 0}), goal));
  EXPECT_FALSE(reached(with({"host:2", 0, 1}), goal));
  EXPECT_FALSE(reached(membership(goal.configs(), addresses_of(3)), goal));
  EXPECT_FALSE(reached(membership({majority({1})}, goal.nodes()), goal));
  EXPECT_FALSE(reached(membership({majority({1}), majority({1, 2})}, goal.nodes()), goal));
}

// -- random changes ------------------------------------------------------------------------------

// Draws memberships and changes over the nodes 1..7.
class chooser {
 public:
  explicit chooser(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }

  std::map<node_id, member> nodes(uint64_t most) {
    std::map<node_id, member> chosen;
    for (uint64_t size = below(most + 1); chosen.size() < size;) {
      const uint64_t id = 1 + below(7);
      chosen[node_id(id)] = {"host:" + std::to_string(id), below(3),
                             static_cast<uint32_t>(below(3))};
      if (one_in(8)) chosen[node_id(id)].address = "moved:" + std::to_string(id);
    }
    return chosen;
  }

  quorum tree() {
    auto voters = nodes(4);
    voters[node_id(1 + below(7))];
    std::vector<quorum::child> children;
    for (const auto& [id, node] : voters) children.push_back({1 + below(2), id});
    uint64_t total = 0;
    for (const auto& child : children) total += child.weight;
    return quorum(children, total / 2 + 1, total / 2 + 1);
  }

  membership uniform() {
    auto all = nodes(7);
    for (const auto& [id, node] : named({1, 2})) all.insert({id, node});
    if (one_in(4)) return membership({majority({1})}, all);
    return membership({majority({1, 2})}, all);
  }

  std::vector<member_change> changes() {
    std::vector<member_change> list;
    for (uint64_t size = 1 + below(3); list.size() < size;)
      list.push_back({kind(below(9)), nodes(4), tree()});
    return list;
  }

 private:
  std::mt19937_64 random_;
};

// One walk after another, with nodes that catch up late, incarnations that become known, and
// operators who change their mind half way.
class restless_cluster {
 public:
  explicit restless_cluster(uint64_t seed) : choose_(seed), at_(choose_.uniform()), goal_(at_) {}

  // False when the changes that were drawn make no sense.
  bool change_goal() {
    auto goal = goal_of(at_, choose_.changes(), choose_.one_in(2), vote_mode::advanced);
    if (goal.ok()) goal_ = *goal;
    return goal.ok();
  }

  void take_steps(int most, bool all_caught_up) {
    for (int i = 0; i < most; ++i) {
      const auto ready = [&](node_id id) {
        EXPECT_TRUE(at_.contains(id) && !at_.is_voter(id)) << id;
        return all_caught_up || choose_.one_in(2);
      };
      const auto next = next_step(at_, goal_, ready);
      if (!next) return;
      ASSERT_TRUE(coherent(std::array{at_, *next})) << at_ << " to " << *next;
      ASSERT_TRUE(next->check(vote_mode::advanced).ok()) << *next;
      ASSERT_LE(next->configs().size(), 2u) << *next;
      for (node_id voter : next->voters())
        ASSERT_TRUE(at_.contains(voter)) << voter << " voted at once in " << *next;
      at_ = *next;
      learn_incarnation();
    }
  }

  const membership& at() const { return at_; }
  const membership& goal() const { return goal_; }
  bool arrived() const { return reached(at_, goal_); }

 private:
  void learn_incarnation() {
    auto nodes = at_.nodes();
    for (auto& [id, node] : nodes)
      if (node.incarnation == 0 && choose_.one_in(3)) node.incarnation = 1 + choose_.below(99);
    at_ = membership(at_.configs(), nodes);
  }

  chooser choose_;
  membership at_;
  membership goal_;
};

TEST(member_change_walk_test, every_walk_ends_at_its_goal_by_coherent_steps) {
  size_t goals = 0, redirected = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    restless_cluster cluster(seed);
    for (int round = 0; round < 8; ++round) {
      if (!cluster.change_goal()) continue;
      ++goals;
      if (cluster.at().joint()) ++redirected;
      cluster.take_steps(2, false);
      if (round % 2 == 0) continue;
      cluster.take_steps(3, true);
      ASSERT_TRUE(cluster.arrived()) << cluster.at() << " is not " << cluster.goal();
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(goals, 5000u);
  EXPECT_GT(redirected, 300u);
}

}  // namespace
}  // namespace troupe::core
