#include "actors/core/candidacy.h"

#include <gtest/gtest.h>

#include "actors/core/quorum_text.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

using result = candidacy::result;

candidacy node_1(const membership& members, const vote& seen = {},
                 vote_mode mode = vote_mode::advanced) {
  return {/*number=*/8,     node_id(1),    seen, members,
          at(led_by(1), 3), /*cluster=*/7, mode};
}

vote_reply granted_by(uint64_t from, uint64_t candidacy = 8) {
  return {node_id(from), candidacy, true, asked(1, 1), {}};
}
vote_reply refused_by(uint64_t from, const vote& saved, uint64_t candidacy = 8) {
  return {node_id(from), candidacy, false, saved, {}};
}

membership joint(const std::set<node_id>& old_voters, const std::set<node_id>& new_voters) {
  return {{quorum::majority(old_voters), quorum::majority(new_voters)}, addresses_of(5)};
}

TEST(candidacy_test, everybody_but_the_candidate_is_asked) {
  const auto c = node_1(majority_of(3), asked(4, 2));
  EXPECT_EQ(c.electorate(), (std::set{node_id(2), node_id(3)}));
  const auto request = c.request_to(node_id(3));
  EXPECT_EQ(request.from, node_id(1));
  EXPECT_EQ(request.to, node_id(3));
  EXPECT_EQ(request.candidacy, 8u);
  EXPECT_EQ(request.wanted, asked(5, 1));
  EXPECT_EQ(request.last, at(led_by(1), 3));
  EXPECT_EQ(request.cluster, 7u);
  EXPECT_EQ(request.handed_by, vote{});
}

TEST(candidacy_test, it_is_won_with_a_quorum_that_the_candidate_is_part_of) {
  for (uint64_t nodes = 1; nodes <= 7; ++nodes) {
    auto c = node_1(majority_of(nodes));
    uint64_t votes = 1;
    for (uint64_t from = 2; c.outcome() == result::waiting; ++from, ++votes)
      c.on_vote_reply(granted_by(from));
    EXPECT_EQ(votes, nodes / 2 + 1) << nodes;
    EXPECT_EQ(c.outcome(), result::won);
  }
}

// Scenario 16.
TEST(candidacy_test, a_single_voter_has_won_at_once) {
  EXPECT_EQ(node_1(majority_of(1)).outcome(), result::won);
  EXPECT_TRUE(node_1(majority_of(1)).electorate().empty());
}

// Scenario 7.
TEST(candidacy_test, each_voter_counts_once_and_in_its_own_round_only) {
  auto c = node_1(majority_of(5));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(c.on_vote_reply(granted_by(2)), result::waiting);
  EXPECT_EQ(c.on_vote_reply(granted_by(3, /*candidacy=*/7)), result::waiting)
      << "of the last round";
  EXPECT_EQ(c.on_vote_reply(granted_by(3, /*candidacy=*/9)), result::waiting);
  EXPECT_EQ(c.on_vote_reply(granted_by(6)), result::waiting) << "of no voter";
  EXPECT_EQ(c.on_vote_reply(granted_by(3)), result::won);
}

TEST(candidacy_test, a_learner_has_no_voice) {
  const membership members({quorum::majority({node_id(1), node_id(2)})}, addresses_of(3));
  auto c = node_1(members);
  EXPECT_EQ(c.electorate(), std::set{node_id(2)});
  EXPECT_EQ(c.on_vote_reply(granted_by(3)), result::waiting);
  EXPECT_EQ(c.on_vote_reply(refused_by(3, asked(9, 3))), result::waiting);
  EXPECT_EQ(c.on_vote_reply(granted_by(2)), result::won);
}

// Scenario 29: it forgot what it promised.
TEST(candidacy_test, who_is_known_with_another_disk_has_no_voice) {
  const membership members(
      {quorum::majority({node_id(1), node_id(2), node_id(3)})},
      std::map<node_id, member>{
          {node_id(1), {"a"}}, {node_id(2), {"b", 20}}, {node_id(3), {"c", 30}}});
  auto c = node_1(members);
  auto reply = granted_by(2);
  reply.incarnation = 21;
  EXPECT_EQ(c.on_vote_reply(reply), result::waiting);
  reply.incarnation = 20;
  EXPECT_EQ(c.on_vote_reply(reply), result::won);
}

// Scenario 8: not the majority of the union.
TEST(candidacy_test, in_a_joint_membership_a_majority_of_each_side_is_needed) {
  const auto members =
      joint({node_id(1), node_id(2), node_id(3)}, {node_id(3), node_id(4), node_id(5)});
  auto c = node_1(members);
  c.on_vote_reply(granted_by(2));
  EXPECT_EQ(c.on_vote_reply(granted_by(3)), result::waiting);
  EXPECT_EQ(c.on_vote_reply(granted_by(5)), result::won);

  auto other = node_1(members);
  other.on_vote_reply(granted_by(4));
  EXPECT_EQ(other.on_vote_reply(granted_by(5)), result::waiting) << "one of three old voters";
  EXPECT_EQ(other.on_vote_reply(granted_by(3)), result::won);
}

TEST(candidacy_test, an_election_needs_the_read_quorum) {
  auto c = node_1(membership({*parse_quorum("read 3 write 2 of (1,2,3,4)")}, addresses_of(4)));
  EXPECT_EQ(c.on_vote_reply(granted_by(2)), result::waiting) << "enough to commit, not to elect";
  EXPECT_EQ(c.on_vote_reply(granted_by(3)), result::won);
}

TEST(candidacy_test, a_greater_promise_ends_the_hope_and_the_next_candidacy_exceeds_it) {
  for (auto mode : both_modes)
    for (const auto& promise : {asked(9, 2), won(9, 2), asked(1, 2), won(1, 2)}) {
      auto c = node_1(majority_of(5), {}, mode);
      EXPECT_EQ(c.on_vote_reply(refused_by(3, promise)), result::lost) << promise;
      EXPECT_EQ(c.seen(), promise);
      EXPECT_TRUE(exceeds(node_1(majority_of(5), c.seen(), mode).wanted(), promise, mode));
    }
}

TEST(candidacy_test, a_refusal_for_another_reason_changes_nothing) {
  auto c = node_1(majority_of(3), asked(4, 2));
  EXPECT_EQ(c.on_vote_reply(refused_by(2, asked(4, 2))), result::waiting);
  EXPECT_EQ(c.on_vote_reply(refused_by(2, vote{})), result::waiting) << "behind, or a lease";
  EXPECT_EQ(c.on_vote_reply(refused_by(2, asked(9, 2), /*candidacy=*/7)), result::waiting);
  EXPECT_EQ(c.seen(), asked(4, 2));
  EXPECT_EQ(c.on_vote_reply(granted_by(3)), result::won);
}

TEST(candidacy_test, a_refusal_of_a_better_log_outclasses_and_one_for_another_reason_does_not) {
  auto reply = refused_by(2, vote{});
  reply.last = at(led_by(1), 3);
  auto c = node_1(majority_of(5));
  c.on_vote_reply(reply);
  EXPECT_FALSE(c.outclassed()) << "the same log";
  auto late = reply;
  late.candidacy = 7;
  late.last = at(led_by(1), 4);
  c.on_vote_reply(late);
  EXPECT_FALSE(c.outclassed()) << "of the last round";
  auto granted = granted_by(3);
  granted.last = at(led_by(1), 4);
  c.on_vote_reply(granted);
  EXPECT_FALSE(c.outclassed());
  reply.last = at(led_by(2), 1);
  c.on_vote_reply(reply);
  EXPECT_TRUE(c.outclassed()) << "a shorter log of a greater term";
}

// What was granted is granted: a quorum saved the vote, whatever somebody else promised.
TEST(candidacy_test, a_quorum_wins_even_after_a_greater_promise) {
  auto c = node_1(majority_of(5));
  c.on_vote_reply(granted_by(2));
  EXPECT_EQ(c.on_vote_reply(refused_by(3, asked(9, 3))), result::lost);
  EXPECT_EQ(c.on_vote_reply(granted_by(4)), result::won);
}

TEST(candidacy_test, asking_again_raises_nothing) {
  EXPECT_EQ(node_1(majority_of(3), won(4, 2)).wanted(), node_1(majority_of(3), won(4, 2)).wanted());
}

// Thesis 4.2.2: who leaves may be needed as a candidate until that is committed.
TEST(candidacy_test, who_is_no_voter_does_not_count_itself) {
  auto c = node_1(membership({quorum::majority({node_id(2)})}, addresses_of(2)));
  EXPECT_EQ(c.outcome(), result::waiting);
  EXPECT_EQ(c.on_vote_reply(granted_by(2)), result::won);
}

}  // namespace
}  // namespace troupe::core
