#include "actors/core/vote_order.h"

#include <compare>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::core {
namespace {

constexpr vote_mode both_modes[] = {vote_mode::advanced, vote_mode::standard};

constexpr vote asked(uint64_t in, uint64_t node) { return {{term(in), node_id(node)}, false}; }
constexpr vote won(uint64_t in, uint64_t node) { return {{term(in), node_id(node)}, true}; }

// The vote of a new node and all votes of three terms and three nodes.
std::vector<vote> small_votes() {
  std::vector<vote> all{vote{}};
  for (uint64_t in = 1; in <= 3; ++in)
    for (uint64_t node = 1; node <= 3; ++node) {
      all.push_back(asked(in, node));
      all.push_back(won(in, node));
    }
  return all;
}

TEST(vote_order_test, a_greater_term_exceeds_everything_of_a_smaller_one) {
  for (auto mode : both_modes)
    for (const auto& a : small_votes())
      for (const auto& b : small_votes()) {
        if (a.leader.in <= b.leader.in) continue;
        EXPECT_TRUE(exceeds(a, b, mode)) << a << ' ' << b;
      }
}

TEST(vote_order_test, a_leader_exceeds_its_own_candidacy) {
  for (auto mode : both_modes) {
    EXPECT_TRUE(exceeds(won(2, 1), asked(2, 1), mode));
    EXPECT_FALSE(may_follow(won(2, 1), asked(2, 1), mode));
  }
}

TEST(vote_order_test, in_advanced_mode_a_greater_node_takes_over_within_a_term) {
  EXPECT_TRUE(exceeds(asked(2, 2), asked(2, 1), vote_mode::advanced));
  EXPECT_TRUE(exceeds(asked(2, 2), won(2, 1), vote_mode::advanced));
  EXPECT_FALSE(may_follow(asked(2, 2), won(2, 1), vote_mode::advanced));
}

TEST(vote_order_test, in_standard_mode_candidates_of_one_term_do_not_compare) {
  EXPECT_EQ(compare(asked(2, 1), asked(2, 2), vote_mode::standard),
            std::partial_ordering::unordered);
  EXPECT_FALSE(may_follow(asked(2, 1), asked(2, 2), vote_mode::standard));
  EXPECT_FALSE(may_follow(asked(2, 2), asked(2, 1), vote_mode::standard));
}

TEST(vote_order_test, in_standard_mode_the_leader_of_a_term_wins_over_its_other_candidates) {
  EXPECT_TRUE(exceeds(won(2, 1), asked(2, 2), vote_mode::standard));
  EXPECT_FALSE(may_follow(won(2, 1), asked(2, 2), vote_mode::standard));
}

TEST(vote_order_test, in_standard_mode_two_leaders_of_one_term_never_follow_each_other) {
  EXPECT_FALSE(may_follow(won(2, 1), won(2, 2), vote_mode::standard));
  EXPECT_FALSE(may_follow(won(2, 2), won(2, 1), vote_mode::standard));
}

TEST(vote_order_test, only_in_advanced_mode_do_all_votes_compare) {
  for (const auto& a : small_votes())
    for (const auto& b : small_votes()) {
      EXPECT_NE(compare(a, b, vote_mode::advanced), std::partial_ordering::unordered);
      const bool rivals = a.leader.in == b.leader.in && a.leader.node != b.leader.node &&
                          a.committed == b.committed;
      EXPECT_EQ(compare(a, b, vote_mode::standard) == std::partial_ordering::unordered, rivals)
          << a << ' ' << b;
    }
}

TEST(vote_order_test, votes_are_equal_only_to_themselves_and_the_order_has_two_sides) {
  for (auto mode : both_modes)
    for (const auto& a : small_votes())
      for (const auto& b : small_votes()) {
        EXPECT_EQ(compare(a, b, mode) == 0, a == b) << a << ' ' << b;
        EXPECT_EQ(compare(a, b, mode) < 0, compare(b, a, mode) > 0) << a << ' ' << b;
        EXPECT_EQ(may_follow(b, a, mode), exceeds(a, b, mode) || a == b) << a << ' ' << b;
      }
}

// What a node promises never goes back: following is transitive.
TEST(vote_order_test, the_order_is_transitive) {
  for (auto mode : both_modes)
    for (const auto& a : small_votes())
      for (const auto& b : small_votes())
        for (const auto& c : small_votes()) {
          if (!may_follow(a, b, mode) || !may_follow(b, c, mode)) continue;
          EXPECT_TRUE(may_follow(a, c, mode)) << a << ' ' << b << ' ' << c;
        }
}

TEST(vote_order_test, a_new_node_may_follow_anyone) {
  for (auto mode : both_modes)
    for (const auto& offered : small_votes()) EXPECT_TRUE(may_follow(vote{}, offered, mode));
}

TEST(vote_order_test, a_vote_of_no_term_or_no_node_or_beyond_the_last_term_is_not_plausible) {
  EXPECT_TRUE(plausible(asked(1, 1)));
  EXPECT_TRUE(plausible(won(last_term.value, 1)));
  for (const auto& v : {vote{}, asked(0, 1), asked(1, 0), asked(last_term.value + 1, 1)})
    EXPECT_FALSE(plausible(v)) << v;
}

}  // namespace
}  // namespace troupe::core
