// That no two quorums which may be at work at the same time miss each other, by trying all of them.
#include <array>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "actors/core/member_change.h"

namespace troupe::core {
namespace {

// A set of at most five nodes: bit i stands for node i + 1. And a set of such sets.
using node_mask = uint32_t;
using mask_set = uint32_t;

quorum majority(std::initializer_list<uint64_t> ids) {
  std::set<node_id> voters;
  for (uint64_t id : ids) voters.insert(node_id(id));
  return quorum::majority(voters);
}

// The quorums decide here; addresses play no part.
membership deciding_by(std::vector<quorum> configs) {
  return membership(std::move(configs), std::map<node_id, member>());
}

// Which subsets of the nodes 1..5 are quorums, and which leave a quorum among the others.
struct reach {
  mask_set reads = 0;
  mask_set miss_a_read = 0;
  mask_set miss_a_write = 0;

  explicit reach(const membership& m) {
    const auto is_quorum = [&m](quorum_kind kind, node_mask mask) {
      return m.satisfied(kind, [mask](node_id id) { return mask >> (id.value - 1) & 1; });
    };
    for (node_mask mask = 0; mask < 32; ++mask) {
      const mask_set bit = mask_set{1} << mask;
      if (is_quorum(quorum_kind::read, mask)) reads |= bit;
      if (is_quorum(quorum_kind::read, ~mask)) miss_a_read |= bit;
      if (is_quorum(quorum_kind::write, ~mask)) miss_a_write |= bit;
    }
  }

  // Some election quorum of this one misses some commit quorum of `other`, or with one leader per
  // term some election quorum.
  bool misses(const reach& other, vote_mode mode) const {
    return (reads & other.miss_a_write) != 0 ||
           (mode == vote_mode::standard && (reads & other.miss_a_read) != 0);
  }
};

// Whether two of them have disjoint quorums, in either direction.
bool apart(const reach& a, const reach& b, vote_mode mode) {
  return a.misses(b, mode) || b.misses(a, mode);
}

bool apart(const membership& a, const membership& b) {
  return apart(reach(a), reach(b), vote_mode::advanced);
}

// All majorities of the nodes 1..n, and some other trees over them that pass the check.
std::vector<quorum> trees_over(uint64_t n, vote_mode mode) {
  std::vector<quorum> trees;
  for (node_mask mask = 1; mask < 1u << n; ++mask) {
    std::set<node_id> voters;
    for (uint64_t id = 1; id <= n; ++id)
      if (mask >> (id - 1) & 1) voters.insert(node_id(id));
    trees.push_back(quorum::majority(voters));
  }
  const auto add = [&](const quorum& tree) {
    if (tree.check(mode).ok() && *tree.voters().rbegin() <= node_id(n)) trees.push_back(tree);
  };
  const quorum::child one{1, node_id(1)}, two{1, node_id(2)}, three{1, node_id(3)},
      four{1, node_id(4)}, heavy{2, node_id(1)};
  add(quorum({one, two}, 1, 2));
  add(quorum({one, two}, 2, 1));
  add(quorum({one, two, three}, 3, 1));
  add(quorum({heavy, two, three}, 3, 2));
  add(quorum({one, two, three, four}, 3, 2));
  add(quorum({heavy, two, three, four}, 3, 3));
  add(quorum({{1, majority({1, 2})}, {1, majority({3, 4})}, {1, node_id(5)}}, 2, 2));
  add(quorum({{1, majority({1, 2, 3})}, {1, majority({4, 5})}}, 2, 1));
  return trees;
}

// Every uniform and every joint membership of `trees`.
std::vector<membership> memberships_of(const std::vector<quorum>& trees) {
  std::vector<membership> all;
  for (size_t i = 0; i < trees.size(); ++i) {
    all.push_back(deciding_by({trees[i]}));
    for (size_t j = 0; j < i; ++j) all.push_back(deciding_by({trees[i], trees[j]}));
  }
  return all;
}

std::vector<reach> reaches_of(const std::vector<membership>& all) {
  return std::vector<reach>(all.begin(), all.end());
}

class member_change_safety_test : public testing::TestWithParam<vote_mode> {};

INSTANTIATE_TEST_SUITE_P(modes, member_change_safety_test,
                         testing::Values(vote_mode::advanced, vote_mode::standard));

TEST_P(member_change_safety_test, quorums_of_two_coherent_memberships_of_five_nodes_meet) {
  const auto all = memberships_of(trees_over(5, GetParam()));
  const auto reaches = reaches_of(all);
  size_t accepted = 0, refused_with_reason = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    std::array pair{all[i], membership()};
    for (size_t j = 0; j <= i; ++j) {
      pair[1] = all[j];
      const bool unsafe = apart(reaches[i], reaches[j], GetParam());
      if (coherent(pair)) {
        ++accepted;
        ASSERT_FALSE(unsafe) << all[i] << " and " << all[j];
      } else if (unsafe) {
        ++refused_with_reason;
      }
    }
  }
  EXPECT_GT(accepted, 10000u);
  EXPECT_GT(refused_with_reason, 10000u);
}

TEST_P(member_change_safety_test, quorums_of_a_coherent_chain_of_three_nodes_meet) {
  const auto all = memberships_of(trees_over(3, GetParam()));
  const auto reaches = reaches_of(all);
  size_t accepted = 0, refused_with_reason = 0;
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < all.size(); ++j) {
      std::array chain{all[i], all[j], membership()};
      for (size_t k = 0; k < all.size(); ++k) {
        chain[2] = all[k];
        const bool unsafe = apart(reaches[i], reaches[j], GetParam()) ||
                            apart(reaches[j], reaches[k], GetParam()) ||
                            apart(reaches[i], reaches[k], GetParam());
        if (coherent(chain)) {
          ++accepted;
          ASSERT_FALSE(unsafe) << all[i] << ", " << all[j] << ", " << all[k];
        } else if (unsafe) {
          ++refused_with_reason;
        }
      }
    }
  EXPECT_GT(accepted, 1000u);
  EXPECT_GT(refused_with_reason, 1000u);
}

// Neighbours that share a tree are not enough: the whole chain may be at work at once.
TEST(coherent_test, one_tree_stands_in_all_of_a_chain) {
  const auto a = majority({1}), b = majority({2}), c = majority({3});
  const auto ab = deciding_by({a, b}), bc = deciding_by({b, c});
  EXPECT_TRUE(coherent(std::array{deciding_by({a})}));
  EXPECT_TRUE(coherent(std::array{ab, deciding_by({b}), bc}));
  EXPECT_TRUE(coherent(std::array{deciding_by({a}), ab, deciding_by({a})}));
  EXPECT_FALSE(coherent(std::array{deciding_by({a}), ab, deciding_by({b})}));
  EXPECT_TRUE(apart(deciding_by({a}), deciding_by({b})));
  EXPECT_FALSE(coherent(std::array{deciding_by({a}), ab, bc}));
}

TEST(coherent_test, without_a_tree_nothing_is_coherent) {
  const auto one = deciding_by({majority({1})});
  EXPECT_FALSE(coherent({}));
  EXPECT_FALSE(coherent(std::array{membership()}));
  EXPECT_FALSE(coherent(std::array{membership(), one}));
  EXPECT_FALSE(coherent(std::array{one, membership()}));
}

TEST(coherent_test, a_change_without_a_joint_step_has_disjoint_quorums_and_is_refused) {
  const auto before = deciding_by({majority({1, 2, 3})});
  const auto after = deciding_by({majority({3, 4, 5})});
  const auto joint = deciding_by({majority({1, 2, 3}), majority({3, 4, 5})});
  EXPECT_TRUE(apart(before, after));
  EXPECT_FALSE(coherent(std::array{before, after}));
  for (const auto& uniform : {before, after}) {
    EXPECT_FALSE(apart(uniform, joint));
    EXPECT_TRUE(coherent(std::array{uniform, joint}));
  }
}

// Scenario 44, the bug of single-server changes: each is safe after its parent, both together are
// not.
TEST(coherent_test, two_single_server_changes_of_one_parent_are_refused_and_joint_ones_meet) {
  const auto parent = majority({1, 2, 3, 4});
  const auto smaller = majority({2, 3, 4}), greater = majority({1, 2, 3, 4, 5});
  EXPECT_FALSE(apart(deciding_by({parent}), deciding_by({smaller})));
  EXPECT_FALSE(apart(deciding_by({parent}), deciding_by({greater})));
  EXPECT_TRUE(apart(deciding_by({smaller}), deciding_by({greater})));
  EXPECT_FALSE(
      coherent(std::array{deciding_by({parent}), deciding_by({smaller}), deciding_by({greater})}));

  const std::array joint{deciding_by({parent}), deciding_by({parent, smaller}),
                         deciding_by({parent, greater})};
  EXPECT_TRUE(coherent(joint));
  EXPECT_FALSE(apart(joint[1], joint[2]));
}

// Scenario 44 again: of one joint parent, one leader may go back and the next one on. Only that
// each first commits an entry of its own term keeps them apart.
TEST(coherent_test, the_two_ways_out_of_a_joint_membership_never_stand_in_one_chain) {
  const auto joint = deciding_by({majority({1, 2, 3}), majority({3, 4, 5})});
  const auto back = way_back(joint), out = way_out(joint);
  EXPECT_TRUE(coherent(std::array{joint, back}));
  EXPECT_TRUE(coherent(std::array{joint, out}));
  EXPECT_TRUE(apart(back, out));
  EXPECT_FALSE(coherent(std::array{joint, back, out}));
}

}  // namespace
}  // namespace troupe::core
