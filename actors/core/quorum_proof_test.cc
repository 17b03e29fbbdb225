// Every small quorum tree against its brute-force twin: what is a quorum, what a quorum holds,
// which trees are safe, and the two sets that prove that a tree is not.
//
// Voters of equal place are equal, so of the trees that differ only in the order of children or in
// who is who, one is checked. A tree has every threshold from 1 to the total weight, for read and
// for write, at each of its groups; all others are malformed (see quorum_test).
#include <functional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "actors/core/disjoint.h"
#include "actors/core/quorum_twin.h"

namespace troupe::core {
namespace {

using child = quorum::child;
using children_visitor = std::function<void(const std::vector<child>&)>;
using tree_visitor = std::function<void(const quorum&)>;

constexpr auto read = quorum_kind::read;
constexpr auto write = quorum_kind::write;

// -- all trees ------------------------------------------------------------------------------------

// All groups of these children.
void for_each_group(const std::vector<child>& children, const tree_visitor& visit) {
  uint64_t total = 0;
  for (const auto& c : children) total += c.weight;
  for (uint64_t r = 1; r <= total; ++r)
    for (uint64_t w = 1; w <= total; ++w) visit(quorum(children, r, w));
}

// A child and the number of its voters; who they are comes later.
struct part {
  child what;
  int voters;
};

// All ways to reach `voters` with parts, from the one at `first` on, so that no order comes twice.
void for_each_list(const std::vector<part>& parts, size_t first, int voters,
                   std::vector<child>& chosen, const children_visitor& visit) {
  if (voters == 0) return visit(chosen);
  for (size_t i = first; i < parts.size(); ++i) {
    if (parts[i].voters > voters) continue;
    chosen.push_back(parts[i].what);
    for_each_list(parts, i, voters - parts[i].voters, chosen, visit);
    chosen.pop_back();
  }
}

// All trees of `voters` voters with at most `depth` groups inside each other and weights from 1 to
// `most_weight`. The voters have no ids yet.
void for_each_shape(int voters, int depth, uint64_t most_weight, const tree_visitor& visit) {
  std::vector<part> parts;
  for (uint64_t weight = 1; weight <= most_weight; ++weight) {
    parts.push_back({{weight, node_id()}, 1});
    for (int below = 1; depth > 1 && below <= voters; ++below)
      for_each_shape(below, depth - 1, most_weight, [&](const quorum& q) {
        parts.push_back({{weight, q}, below});
      });
  }
  std::vector<child> chosen;
  for_each_list(parts, 0, voters, chosen,
                [&](const std::vector<child>& list) { for_each_group(list, visit); });
}

// The same tree with the voters next, next + 1, … from left to right.
quorum with_ids(const quorum& shape, uint64_t& next) {
  auto children = shape.children();
  for (auto& c : children) {
    if (const auto* group = std::get_if<quorum>(&c.kind))
      c.kind = with_ids(*group, next);
    else
      c.kind = node_id(next++);
  }
  return quorum(std::move(children), shape.read_threshold(), shape.write_threshold());
}

// -- one tree -------------------------------------------------------------------------------------

node_mask mask_of(const std::set<node_id>& ids) {
  node_mask mask = 0;
  for (node_id id : ids) mask |= 1u << (id.value - 1);
  return mask;
}

// Two disjoint quorums, with nobody to spare; none if and only if there are none.
bool witness_is_right(const quorum& tree, const quorum_twin& twin, quorum_kind a, quorum_kind b) {
  const auto found = find_disjoint(tree, a, b);
  if (!found) return meet(twin.of(a), twin.of(b));
  const auto is_least = [](const std::vector<bool>& quorums, node_mask mask) {
    if (!quorums[mask]) return false;
    for (node_mask one = 1; one < quorums.size(); one <<= 1)
      if ((mask & one) && quorums[mask & ~one]) return false;
    return true;
  };
  const node_mask first = mask_of(found->first), second = mask_of(found->second);
  return (first & second) == 0 && is_least(twin.of(a), first) && is_least(twin.of(b), second);
}

// Empty, or which of the rules does not hold.
std::string broken_rule(const quorum& tree, int voters, std::mt19937_64& random) {
  const auto twin = twin_of(tree, voters);
  for (auto kind : {read, write}) {
    for (node_mask mask = 0; mask < 1u << voters; ++mask)
      if (tree.satisfied(kind, [mask](node_id id) { return in_mask(mask, id); }) !=
          twin.of(kind)[mask])
        return "satisfied";
    std::vector<uint64_t> values(voters);
    for (auto& value : values) value = random() % 6;
    if (tree.held_by(kind, [&](node_id id) { return values[id.value - 1]; }) !=
        naive_held_by(twin.of(kind), values))
      return "held_by";
  }
  for (auto mode : {vote_mode::advanced, vote_mode::standard})
    if (tree.check(mode).ok() != meet(twin, mode)) return "check";
  if (!witness_is_right(tree, twin, read, write)) return "witness of read and write";
  if (!witness_is_right(tree, twin, read, read)) return "witness of read and read";
  if (!witness_is_right(tree, twin, write, write)) return "witness of write and write";
  return "";
}

// Checks all trees of 1 to `voters` voters; how many there were, and how many were safe.
struct tally {
  int trees = 0;
  int safe = 0;

  bool operator==(const tally&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const tally& t) {
    return out << t.trees << " trees, " << t.safe << " safe";
  }
};

tally check_all(int voters, int depth, uint64_t most_weight) {
  tally seen;
  std::mt19937_64 random(1);
  for (int n = 1; n <= voters; ++n)
    for_each_shape(n, depth, most_weight, [&](const quorum& shape) {
      uint64_t next = 1;
      const quorum tree = with_ids(shape, next);
      const auto broken = broken_rule(tree, n, random);
      if (!broken.empty()) ADD_FAILURE() << broken << ": " << tree;
      ++seen.trees;
      seen.safe += tree.check(vote_mode::advanced).ok();
    });
  return seen;
}

// -- the families ---------------------------------------------------------------------------------

// The numbers of trees are also those of a count by generating functions: a group of children with
// the total weight t has t * t pairs of thresholds.

TEST(quorum_proof_test, flat_trees_of_up_to_six_voters_with_weights_up_to_four) {
  EXPECT_EQ(check_all(6, 1, 4), (tally{34860, 19326}));
}

// Voters and groups of voters, side by side.
TEST(quorum_proof_test, trees_of_two_levels_with_up_to_seven_voters) {
  EXPECT_EQ(check_all(7, 2, 1), (tally{16810, 8491}));
}

TEST(quorum_proof_test, trees_of_two_levels_with_up_to_four_voters_and_weights_up_to_two) {
  EXPECT_EQ(check_all(4, 2, 2), (tally{198472, 110444}));
}

TEST(quorum_proof_test, trees_of_three_levels_with_up_to_five_voters) {
  EXPECT_EQ(check_all(5, 3, 1), (tally{24051, 12828}));
}

}  // namespace
}  // namespace troupe::core
