#include "actors/core/membership.h"

#include <initializer_list>
#include <map>
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

constexpr quorum_kind both_kinds[] = {quorum_kind::read, quorum_kind::write};

std::set<node_id> nodes(std::initializer_list<uint64_t> ids) {
  std::set<node_id> all;
  for (uint64_t id : ids) all.insert(node_id(id));
  return all;
}

std::map<node_id, std::string> addresses(std::initializer_list<uint64_t> ids) {
  std::map<node_id, std::string> all;
  for (uint64_t id : ids) all[node_id(id)] = "host:" + std::to_string(7100 + id);
  return all;
}

// From {1,2,3} to {3,4,5}, with 6 as a learner.
membership moving() {
  return membership({quorum::majority(nodes({1, 2, 3})), quorum::majority(nodes({3, 4, 5}))},
                    addresses({1, 2, 3, 4, 5, 6}));
}

bool refused_for(const membership& m, absl::string_view why) {
  const auto status = m.check(vote_mode::advanced);
  return status.code() == absl::StatusCode::kInvalidArgument &&
         status.message().find(why) != absl::string_view::npos;
}

TEST(membership_test, the_usual_first_membership_is_a_majority_of_all) {
  const auto m = membership::of_majority(addresses({1, 2, 3}));
  EXPECT_TRUE(m.check(vote_mode::standard).ok());
  EXPECT_EQ(m.configs(), std::vector{quorum::majority(nodes({1, 2, 3}))});
  for (const auto& [id, address] : addresses({1, 2, 3}))
    EXPECT_EQ(m.nodes().at(id).address, address);
  EXPECT_FALSE(m.joint());
  EXPECT_FALSE(m.empty());
}

TEST(membership_test, an_empty_membership_has_no_quorum) {
  const membership m;
  EXPECT_TRUE(m.empty());
  for (auto kind : both_kinds) {
    EXPECT_FALSE(m.satisfied(kind, [](node_id) { return true; }));
    EXPECT_EQ(m.held_by(kind, [](node_id) { return uint64_t{9}; }), 0u);
  }
  EXPECT_TRUE(refused_for(m, "no voters"));
}

TEST(membership_test, a_voter_of_any_config_is_a_voter_and_the_rest_are_learners) {
  const auto m = moving();
  EXPECT_TRUE(m.joint());
  EXPECT_EQ(m.voters(), nodes({1, 2, 3, 4, 5}));
  EXPECT_EQ(m.learners(), nodes({6}));
  EXPECT_TRUE(m.is_voter(node_id(1)));
  EXPECT_TRUE(m.is_voter(node_id(5)));
  EXPECT_FALSE(m.is_voter(node_id(6)));
  EXPECT_TRUE(m.contains(node_id(6)));
  EXPECT_FALSE(m.contains(node_id(7)));
}

TEST(membership_test, a_joint_membership_needs_a_quorum_in_each_config) {
  const auto m = moving();
  const auto with = [&](std::set<node_id> present) {
    return m.satisfied(quorum_kind::write, [&](node_id id) { return present.contains(id); });
  };
  EXPECT_FALSE(with(nodes({1, 2})));
  EXPECT_FALSE(with(nodes({4, 5})));
  EXPECT_FALSE(with(nodes({1, 2, 4, 6})));
  EXPECT_TRUE(with(nodes({1, 2, 4, 5})));
  EXPECT_TRUE(with(nodes({1, 3, 4})));
}

TEST(membership_test, a_learner_never_counts) {
  const auto m = membership({quorum::majority(nodes({1, 2, 3}))}, addresses({1, 2, 3, 4, 5}));
  EXPECT_FALSE(m.satisfied(quorum_kind::write, [](node_id id) { return id.value >= 3; }));
  EXPECT_EQ(m.held_by(quorum_kind::write, [](node_id id) { return id.value; }), 2u);
}

// The commit rule's definition: the greatest v that nodes with values ≥ v satisfy.
TEST(membership_test, held_by_is_the_greatest_value_that_satisfies) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    const auto some_voters = [&random] {
      std::set<node_id> voters;
      for (uint64_t size = 1 + random() % 5; voters.size() < size;)
        voters.insert(node_id(1 + random() % 7));
      return quorum::majority(voters);
    };
    std::vector<quorum> configs{some_voters()};
    if (random() % 2) configs.push_back(some_voters());
    const membership m(configs, addresses({1, 2, 3, 4, 5, 6, 7}));
    std::map<node_id, uint64_t> values;
    for (const auto& [id, node] : m.nodes()) values[id] = random() % 6;

    for (auto kind : both_kinds) {
      uint64_t greatest = 0;
      for (uint64_t v = 0; v <= 6; ++v)
        if (m.satisfied(kind, [&](node_id id) { return values[id] >= v; })) greatest = v;
      ASSERT_EQ(m.held_by(kind, [&](node_id id) { return values[id]; }), greatest) << m;
    }
  }
}

TEST(membership_test, held_by_does_not_allocate_for_usual_memberships) {
  const auto m = moving();
  const uint64_t before = allocation_count();
  const uint64_t held = m.held_by(quorum_kind::write, [](node_id id) { return id.value; });
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(held, 2u);
}

TEST(membership_test, every_refusal_says_why) {
  const auto majority = quorum::majority(nodes({1, 2}));
  EXPECT_TRUE(refused_for({{majority}, addresses({1})}, "voter 2 has no address"));
  EXPECT_TRUE(refused_for({{majority}, addresses({0, 1, 2})}, "0 is not a node id"));
  EXPECT_TRUE(refused_for({{quorum::majority(nodes({0}))}, addresses({0})}, "0 is not a node id"));
  EXPECT_TRUE(refused_for({{majority, quorum()}, addresses({1, 2})}, "empty"));
  EXPECT_TRUE(refused_for(membership::of_majority({}), "empty"));
  EXPECT_TRUE(moving().check(vote_mode::standard).ok());
}

TEST(membership_test, standard_mode_is_stricter_for_every_config) {
  const quorum loose({{1, node_id(1)}, {1, node_id(2)}}, 1, 2);
  const membership m({quorum::majority(nodes({1, 2})), loose}, addresses({1, 2}));
  EXPECT_TRUE(m.check(vote_mode::advanced).ok());
  EXPECT_FALSE(m.check(vote_mode::standard).ok());
}

TEST(membership_test, is_printed_in_short) {
  std::ostringstream out;
  out << moving() << '\n' << membership::of_majority(addresses({1, 2})) << '\n' << membership();
  EXPECT_EQ(out.str(), "majority(1,2,3) + majority(3,4,5) learners {6}\nmajority(1,2)\n{}");
}

}  // namespace
}  // namespace troupe::core
