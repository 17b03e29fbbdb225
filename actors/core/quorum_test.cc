#include "actors/core/quorum.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/string_view.h"
#include "actors/core/allocation_count.h"
#include "actors/core/quorum_twin.h"

namespace troupe::core {
namespace {

using child = quorum::child;

constexpr quorum_kind both_kinds[] = {quorum_kind::read, quorum_kind::write};
constexpr vote_mode both_modes[] = {vote_mode::advanced, vote_mode::standard};

quorum flat(const std::vector<uint64_t>& weights, uint64_t read, uint64_t write) {
  std::vector<child> children;
  for (size_t i = 0; i < weights.size(); ++i) children.push_back({weights[i], node_id(i + 1)});
  return quorum(children, read, write);
}

// Grows random trees of depth 1 or 2 over the voters 1..nodes.
class tree_maker {
 public:
  explicit tree_maker(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }

  quorum tree(int nodes) {
    std::vector<child> top;
    for (int next = 1; next <= nodes;) {
      const int size = 1 + static_cast<int>(below(std::min(nodes - next + 1, 4)));
      std::vector<child> members;
      for (int i = 0; i < size; ++i) members.push_back({weight(), node_id(next++)});
      if (size == 1)
        top.push_back(members.front());
      else
        top.push_back({weight(), group(members)});
    }
    return group(top);
  }

 private:
  uint64_t weight() { return below(3) == 0 ? 1 + below(3) : 1; }

  // Mostly thresholds that just meet, else any; random trees alone would hardly ever be ok.
  quorum group(const std::vector<child>& children) {
    uint64_t total = 0;
    for (const auto& c : children) total += c.weight;
    const uint64_t read = 1 + below(total);
    const uint64_t write = below(8) == 0 ? 1 + below(total) : total - read + 1;
    return quorum(children, read, write);
  }

  std::mt19937_64 random_;
};

TEST(quorum_test, a_majority_is_more_than_half) {
  for (uint64_t n = 1; n <= 9; ++n) {
    std::set<node_id> voters;
    for (uint64_t i = 1; i <= n; ++i) voters.insert(node_id(i));
    const quorum q = quorum::majority(voters);
    for (auto mode : both_modes) EXPECT_TRUE(q.check(mode).ok()) << n;
    EXPECT_EQ(q.voters(), voters);
    for (auto kind : both_kinds)
      for (uint64_t present = 0; present <= n; ++present)
        EXPECT_EQ(q.satisfied(kind, [&](node_id id) { return id.value <= present; }),
                  2 * present > n)
            << present << " of " << n;
  }
}

// quorum_proof_test has all small trees; these are larger and weighted at every level.
TEST(quorum_test, trees_of_two_levels_pass_the_check_exactly_when_their_quorums_meet) {
  int passed = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    tree_maker make(seed);
    const int nodes = 2 + static_cast<int>(make.below(7));
    const quorum tree = make.tree(nodes);
    const auto twin = twin_of(tree, nodes);
    for (auto mode : both_modes) {
      const bool ok = tree.check(mode).ok();
      ++(ok ? passed : refused);
      ASSERT_EQ(ok, meet(twin, mode)) << tree;
    }
  }
  EXPECT_GT(passed, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(quorum_test, satisfied_agrees_with_brute_force) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    const quorum tree = tree_maker(seed).tree(7);
    for (node_mask mask = 0; mask < 1u << 7; ++mask)
      for (auto kind : both_kinds)
        ASSERT_EQ(tree.satisfied(kind, [mask](node_id id) { return in_mask(mask, id); }),
                  naive_satisfied(tree, kind, mask))
            << tree << ' ' << mask;
  }
}

TEST(quorum_test, held_by_agrees_with_brute_force) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    tree_maker make(seed);
    const quorum tree = make.tree(7);
    const auto twin = twin_of(tree, 7);
    for (int round = 0; round < 10; ++round) {
      std::vector<uint64_t> values(7);
      for (auto& value : values) value = make.below(6);
      for (auto kind : both_kinds)
        ASSERT_EQ(tree.held_by(kind, [&](node_id id) { return values[id.value - 1]; }),
                  naive_held_by(twin.of(kind), values))
            << tree;
    }
  }
}

TEST(quorum_test, reads_and_writes_count_against_their_own_threshold) {
  const quorum tree = flat({1, 1, 1, 1}, 3, 2);
  const auto two = [](node_id id) { return id.value <= 2; };
  EXPECT_FALSE(tree.satisfied(quorum_kind::read, two));
  EXPECT_TRUE(tree.satisfied(quorum_kind::write, two));
  const auto value = [](node_id id) { return 10 * id.value; };
  EXPECT_EQ(tree.held_by(quorum_kind::read, value), 20u);
  EXPECT_EQ(tree.held_by(quorum_kind::write, value), 30u);
}

TEST(quorum_test, a_zone_counts_only_when_its_own_threshold_is_reached) {
  const auto zone = [](uint64_t first) {
    return quorum::majority({node_id(first), node_id(first + 1), node_id(first + 2)});
  };
  const quorum tree({{1, zone(1)}, {1, zone(4)}, {1, zone(7)}}, 2, 2);
  ASSERT_TRUE(tree.check(vote_mode::standard).ok());
  const auto with = [&](std::set<uint64_t> ids) {
    return tree.satisfied(quorum_kind::write, [&](node_id id) { return ids.contains(id.value); });
  };
  EXPECT_TRUE(with({1, 2, 4, 5}));
  EXPECT_FALSE(with({1, 2, 3, 4, 7}));
}

TEST(quorum_test, a_tree_without_voters_or_thresholds_has_no_quorum) {
  const auto all = [](node_id) { return true; };
  const auto value = [](node_id) { return uint64_t{5}; };
  for (const quorum& tree : {quorum{}, quorum::majority({}), quorum({}, 0, 0), flat({1}, 0, 0),
                             flat({0, 0}, 1, 1), flat({1, 1}, 3, 3)})
    for (auto kind : both_kinds) {
      EXPECT_FALSE(tree.satisfied(kind, all)) << tree;
      EXPECT_EQ(tree.held_by(kind, value), 0u) << tree;
    }
}

// As many groups inside each other around one voter.
quorum chain(size_t depth) {
  auto tree = flat({1}, 1, 1);
  for (size_t i = 1; i < depth; ++i) tree = quorum({{1, tree}}, 1, 1);
  return tree;
}

quorum named(std::string name) { return quorum({{1, node_id(1), std::move(name)}}, 1, 1); }

TEST(quorum_test, every_refusal_says_why) {
  const auto advanced = vote_mode::advanced;
  const struct {
    quorum tree;
    vote_mode mode;
    std::string why;
  } cases[] = {
      {{}, advanced, "empty"},
      {quorum({{1, quorum()}}, 1, 1), advanced, "empty"},
      {flat({1, 0}, 1, 1), advanced, "a weight is 0"},
      {flat({1001}, 1, 1), advanced, "a weight is 1001, not 1 to 1000"},
      {flat({1}, 0, 1), advanced, "threshold is 0"},
      {flat({1}, 1, 0), advanced, "threshold is 0"},
      {flat({1, 1}, 3, 1), advanced, "threshold 3 exceeds the total weight 2"},
      {flat({1, 1}, 1, 3), advanced, "threshold 3 exceeds the total weight 2"},
      {quorum({{1, node_id(0)}}, 1, 1), advanced, "0 is not a node id"},
      {quorum({{1, node_id(1)}, {1, node_id(1)}}, 2, 2), advanced, "1 stands twice"},
      {quorum({{1, node_id(1)}, {1, named("")}}, 2, 2), advanced, "1 stands twice"},
      {flat(std::vector<uint64_t>(256, 1), 129, 129), advanced, "more than 255"},
      {quorum({{1, flat(std::vector<uint64_t>(254, 1), 128, 128)}, {1, node_id(255)}}, 2, 2),
       advanced, "more than 255"},
      {chain(9), advanced, "more than 8 groups"},
      {named("1a"), advanced, "name"},
      {named("a b"), advanced, "name"},
      {named(std::string(33, 'a')), advanced, "name"},
      {flat({1, 1, 1, 1}, 2, 2), advanced,
       "quorum: {1,2} elects and {3,4} commits, and they share no voter"},
      {quorum({{1, flat({1, 1, 1, 1}, 2, 2)}}, 1, 1), advanced, "{1,2} elects and {3,4} commits"},
      {flat({1, 1, 1, 1}, 2, 3), vote_mode::standard,
       "{1,2} elects and {3,4} elects as well in the same term, and they share no voter"},
  };
  for (const auto& [tree, mode, why] : cases) {
    const auto status = tree.check(mode);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << tree;
    EXPECT_NE(status.message().find(why), absl::string_view::npos) << status << " lacks: " << why;
  }
  EXPECT_TRUE(flat({1, 1, 1, 1}, 2, 3).check(advanced).ok());
}

TEST(quorum_test, a_tree_at_its_bounds_is_legal) {
  EXPECT_TRUE(chain(8).check(vote_mode::standard).ok());
  EXPECT_TRUE(named("A" + std::string(31, '.')).check(vote_mode::standard).ok());
  const auto heavy = flat(std::vector<uint64_t>(255, 1000), 127'500, 127'501);
  EXPECT_TRUE(heavy.check(vote_mode::advanced).ok());
  EXPECT_FALSE(
      flat(std::vector<uint64_t>(255, 1000), 127'000, 127'501).check(vote_mode::advanced).ok());
}

// Both sums of thresholds are no more than the total weight, yet no quorum misses another.
TEST(quorum_test, what_no_quorum_can_weigh_does_not_count) {
  EXPECT_TRUE(flat({2, 2, 2}, 3, 3).check(vote_mode::standard).ok());
  const quorum all_of({{1, flat({1, 1}, 1, 1)}, {1, node_id(3)}}, 2, 2);
  EXPECT_TRUE(all_of.check(vote_mode::standard).ok()) << "1 and 2 are apart, but 3 is always there";
}

TEST(quorum_test, held_by_does_not_allocate_for_usual_trees) {
  std::set<node_id> voters;
  for (uint64_t i = 1; i <= 16; ++i) voters.insert(node_id(i));
  const quorum tree({{1, quorum::majority(voters)}, {1, node_id(17)}}, 2, 2);
  const uint64_t before = allocation_count();
  const uint64_t held = tree.held_by(quorum_kind::write, [](node_id id) { return id.value; });
  const bool all = tree.satisfied(quorum_kind::read, [](node_id) { return true; });
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(held, 8u);
  EXPECT_TRUE(all);
}

TEST(quorum_test, voters_are_found_at_every_depth) {
  const quorum tree({{1, node_id(7)}, {1, quorum({{1, node_id(3)}, {1, node_id(5)}}, 1, 2)}}, 2, 1);
  EXPECT_EQ(tree.voters(), (std::set{node_id(3), node_id(5), node_id(7)}));
  EXPECT_TRUE(tree.contains(node_id(5)));
  EXPECT_TRUE(tree.contains(node_id(7)));
  EXPECT_FALSE(tree.contains(node_id(4)));
}

TEST(quorum_test, trees_are_equal_when_children_and_thresholds_are) {
  EXPECT_EQ(quorum::majority({node_id(1), node_id(2)}), flat({1, 1}, 2, 2));
  EXPECT_NE(flat({1, 1}, 2, 1), flat({1, 1}, 2, 2));
  EXPECT_NE(flat({1, 1}, 1, 2), flat({1, 1}, 2, 2));
  EXPECT_NE(flat({1, 2}, 2, 2), flat({1, 1}, 2, 2));
  EXPECT_NE(named("a"), named("b"));
  EXPECT_NE(quorum({{1, flat({1}, 1, 1)}}, 1, 1), flat({1}, 1, 1));
}

}  // namespace
}  // namespace troupe::core
