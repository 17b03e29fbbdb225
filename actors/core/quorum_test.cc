#include "actors/core/quorum.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/string_view.h"
#include "actors/core/allocation_count.h"

namespace troupe::core {
namespace {

using child = quorum::child;

constexpr quorum_kind both_kinds[] = {quorum_kind::read, quorum_kind::write};
constexpr vote_mode both_modes[] = {vote_mode::advanced, vote_mode::standard};

// A set of voters: bit i stands for node i + 1.
using node_mask = unsigned;

bool in_mask(node_mask mask, node_id id) { return mask >> (id.value - 1) & 1; }

// -- brute-force twins
// -----------------------------------------------------------------------------

bool naive_satisfied(const quorum& tree, quorum_kind kind, node_mask mask) {
  uint64_t sum = 0;
  for (const auto& c : tree.children()) {
    const bool counts = std::holds_alternative<node_id>(c.kind)
                            ? in_mask(mask, std::get<node_id>(c.kind))
                            : naive_satisfied(std::get<quorum>(c.kind), kind, mask);
    if (counts) sum += c.weight;
  }
  return sum >= (kind == quorum_kind::read ? tree.read_threshold() : tree.write_threshold());
}

// All sets of `nodes` voters that form a quorum.
std::vector<node_mask> quorums_of(const quorum& tree, quorum_kind kind, int nodes) {
  std::vector<node_mask> found;
  for (node_mask mask = 0; mask < 1u << nodes; ++mask)
    if (naive_satisfied(tree, kind, mask)) found.push_back(mask);
  return found;
}

bool disjoint_pair(const std::vector<node_mask>& some, const std::vector<node_mask>& others) {
  for (node_mask a : some)
    for (node_mask b : others)
      if ((a & b) == 0) return true;
  return false;
}

bool unsafe(const quorum& tree, vote_mode mode, int nodes) {
  const auto reads = quorums_of(tree, quorum_kind::read, nodes);
  const auto writes = quorums_of(tree, quorum_kind::write, nodes);
  return disjoint_pair(reads, writes) ||
         (mode == vote_mode::standard && disjoint_pair(reads, reads));
}

uint64_t naive_held_by(const quorum& tree, quorum_kind kind, const std::vector<uint64_t>& values) {
  uint64_t greatest = 0;
  for (uint64_t v : values) {
    node_mask mask = 0;
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i] >= v) mask |= 1u << i;
    if (v > greatest && naive_satisfied(tree, kind, mask)) greatest = v;
  }
  return greatest;
}

// -- trees
// -----------------------------------------------------------------------------------------

quorum flat(const std::vector<uint64_t>& weights, uint64_t read, uint64_t write) {
  std::vector<child> children;
  for (size_t i = 0; i < weights.size(); ++i) children.push_back({weights[i], node_id(i + 1)});
  return quorum(children, read, write);
}

uint64_t sum(const std::vector<uint64_t>& weights) {
  uint64_t total = 0;
  for (uint64_t weight : weights) total += weight;
  return total;
}

// Calls `visit` with all lists of `size` weights from 1 to `most`.
template <class Visit>
void for_all_weights(size_t size, uint64_t most, Visit visit) {
  std::vector<uint64_t> weights(size, 1);
  for (size_t at = 0; at < size;) {
    if (at == 0) visit(weights);
    if (++weights[at] <= most) {
      at = 0;
    } else {
      weights[at++] = 1;
    }
  }
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

// -- rules
// -----------------------------------------------------------------------------------------

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

TEST(quorum_test, flat_trees_that_pass_the_check_always_intersect) {
  for (size_t nodes = 1; nodes <= 5; ++nodes)
    for_all_weights(nodes, 3, [&](const std::vector<uint64_t>& weights) {
      const uint64_t total = sum(weights);
      for (uint64_t read = 0; read <= total + 1; ++read)
        for (uint64_t write = 0; write <= total + 1; ++write) {
          const quorum tree = flat(weights, read, write);
          for (auto mode : both_modes)
            ASSERT_FALSE(tree.check(mode).ok() && unsafe(tree, mode, static_cast<int>(nodes)))
                << tree;
        }
    });
}

// No safe tree is refused where weights do not blur the picture.
TEST(quorum_test, flat_trees_of_equal_weights_are_refused_only_for_a_reason) {
  for (size_t nodes = 1; nodes <= 5; ++nodes)
    for (uint64_t read = 0; read <= nodes + 1; ++read)
      for (uint64_t write = 0; write <= nodes + 1; ++write) {
        const quorum tree = flat(std::vector<uint64_t>(nodes, 1), read, write);
        const bool reachable = read >= 1 && read <= nodes && write >= 1 && write <= nodes;
        for (auto mode : both_modes)
          EXPECT_EQ(tree.check(mode).ok(),
                    reachable && !unsafe(tree, mode, static_cast<int>(nodes)))
              << tree;
      }
}

TEST(quorum_test, trees_of_two_levels_that_pass_the_check_always_intersect) {
  int passed = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    tree_maker make(seed);
    const int nodes = 2 + static_cast<int>(make.below(6));
    const quorum tree = make.tree(nodes);
    for (auto mode : both_modes) {
      const bool ok = tree.check(mode).ok();
      ++(ok ? passed : refused);
      ASSERT_FALSE(ok && unsafe(tree, mode, nodes)) << tree;
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
    for (int round = 0; round < 10; ++round) {
      std::vector<uint64_t> values(7);
      for (auto& value : values) value = make.below(6);
      for (auto kind : both_kinds)
        ASSERT_EQ(tree.held_by(kind, [&](node_id id) { return values[id.value - 1]; }),
                  naive_held_by(tree, kind, values))
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

TEST(quorum_test, every_refusal_says_why) {
  const struct {
    quorum tree;
    vote_mode mode;
    std::string why;
  } cases[] = {
      {{}, vote_mode::advanced, "empty"},
      {quorum({{1, quorum()}}, 1, 1), vote_mode::advanced, "empty"},
      {flat({1, 0}, 1, 1), vote_mode::advanced, "weight is 0"},
      {flat({1}, 0, 1), vote_mode::advanced, "threshold is 0"},
      {flat({1}, 1, 0), vote_mode::advanced, "threshold is 0"},
      {flat({1, 1}, 3, 1), vote_mode::advanced, "exceeds the total weight"},
      {flat({1, 1}, 1, 3), vote_mode::advanced, "exceeds the total weight"},
      {flat({1, 1, 1, 1}, 2, 2), vote_mode::advanced, "miss a commit"},
      {flat({1, 1, 1, 1}, 2, 3), vote_mode::standard, "two leaders"},
      {quorum({{1, node_id(1)}, {1, node_id(1)}}, 2, 2), vote_mode::advanced, "1 stands twice"},
      {quorum({{1, node_id(1)}, {1, quorum::majority({node_id(1)})}}, 2, 2), vote_mode::advanced,
       "1 stands twice"},
      {quorum({{1, flat({1, 1, 1, 1}, 2, 2)}}, 1, 1), vote_mode::advanced, "miss a commit"},
  };
  for (const auto& [tree, mode, why] : cases) {
    const auto status = tree.check(mode);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << tree;
    EXPECT_NE(status.message().find(why), absl::string_view::npos) << status << " lacks: " << why;
  }
  EXPECT_TRUE(flat({1, 1, 1, 1}, 2, 3).check(vote_mode::advanced).ok());
}

TEST(quorum_test, weights_that_would_wrap_around_are_refused) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  EXPECT_FALSE(flat({most, 1}, 1, 1).check(vote_mode::advanced).ok());
  EXPECT_FALSE(flat({most}, most, most + 1).check(vote_mode::advanced).ok());
  const quorum heavy = flat({most - 1, 1}, most, most);
  EXPECT_TRUE(heavy.check(vote_mode::standard).ok());
  EXPECT_FALSE(heavy.satisfied(quorum_kind::read, [](node_id id) { return id.value == 1; }));
  EXPECT_TRUE(heavy.satisfied(quorum_kind::read, [](node_id) { return true; }));
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
  EXPECT_NE(quorum({{1, flat({1}, 1, 1)}}, 1, 1), flat({1}, 1, 1));
}

TEST(quorum_test, is_printed_in_short) {
  std::ostringstream out;
  out << flat({1, 1, 1}, 2, 2) << ' ' << quorum({{2, node_id(4)}, {1, flat({1, 1}, 1, 2)}}, 2, 2)
      << ' ' << quorum();
  EXPECT_EQ(out.str(), "{1,2,3} {4*2,{1,2}r1w2}r2w2 {}r0w0");
}

}  // namespace
}  // namespace troupe::core
