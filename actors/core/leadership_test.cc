#include "actors/core/leadership.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/quorum_text.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr timing usual;
constexpr leader_id me = led_by(4, 1);

// Node 1 leads since time_zero; its log ended with (t2,i5).
leadership of(const membership& members, log_id last = at(led_by(2), 5)) {
  return {won(4, 1), members, {}, {last, 0}, {}, time_zero};
}

std::optional<log_index> ack(leadership& l, uint64_t from, const log_id& durable,
                             instant sent = time_zero, uint64_t round = 0) {
  return l.on_acked(node_id(from), durable, sent, round);
}

void append(leadership& l, uint64_t last) { l.on_appended({at(me, last), 0}, time_zero); }

TEST(leadership_test, a_follower_that_lost_entries_is_heard_all_the_same) {
  auto l = of(majority_of(3));
  append(l, 6);
  const auto late = time_zero + 3 * usual.lease();
  ack(l, 2, at(me, 6), late);
  ASSERT_TRUE(l.active(late));
  l.forget(node_id(2), /*replaced=*/false);
  EXPECT_EQ(l.durable(node_id(2)), log_id{});
  EXPECT_TRUE(l.active(late));
  l.forget(node_id(2), /*replaced=*/true);
  EXPECT_FALSE(l.active(late));
}

// -- the commit rule ------------------------------------------------------------------------------

// Scenario 1: figure 8 of the paper.
TEST(leadership_test, entries_of_older_leaders_are_committed_only_by_an_own_entry_after_them) {
  auto l = of(majority_of(5));
  l.on_flushed(at(led_by(2), 5), time_zero);
  for (uint64_t from = 2; from <= 5; ++from)
    EXPECT_EQ(ack(l, from, at(led_by(2), 5)), std::nullopt);
  EXPECT_EQ(l.committed(), log_index());
  append(l, 6);
  l.on_flushed(at(me, 6), time_zero);
  EXPECT_EQ(ack(l, 2, at(me, 6)), std::nullopt);
  EXPECT_EQ(ack(l, 3, at(me, 6)), log_index(6)) << "and all before it";
}

// Scenario 26.
TEST(leadership_test, the_leader_counts_itself_only_when_its_own_disk_has_it) {
  auto single = of(majority_of(1));
  append(single, 6);
  EXPECT_EQ(single.committed(), log_index());
  EXPECT_EQ(single.on_flushed(at(me, 6), time_zero), log_index(6));

  auto l = of(majority_of(3));
  append(l, 6);
  EXPECT_EQ(ack(l, 2, at(me, 6)), std::nullopt) << "one of three";
  EXPECT_EQ(ack(l, 3, at(me, 6)), log_index(6)) << "two of three, without the leader's disk";
  EXPECT_EQ(l.on_flushed(at(me, 6), time_zero), std::nullopt);
}

// Scenario 25: a flush that was asked for by somebody else, of an entry that is gone.
TEST(leadership_test, a_flush_of_an_overwritten_entry_does_not_count) {
  auto l = of(majority_of(1));
  append(l, 6);
  EXPECT_EQ(l.on_flushed(at(led_by(2), 6), time_zero), std::nullopt);
  EXPECT_EQ(l.on_flushed(at(me, 6), time_zero), log_index(6));
}

// Scenario 18: in any order of the acknowledgements, what is committed is what three of five hold.
TEST(leadership_test, committed_is_what_a_quorum_holds_in_every_order) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    auto l = of(majority_of(5));
    std::vector<uint64_t> holds(6, 0);
    log_index before;
    for (uint64_t last = 6; last < 40;) {
      if (random() % 4 == 0) append(l, last++);
      const uint64_t node = 1 + random() % 5;
      if (last == 6) continue;
      const uint64_t index = 6 + random() % (last - 6);
      // Also older ones again: duplicates and reordering (scenarios 20 and 33).
      if (node == 1)
        l.on_flushed(at(me, index), time_zero);
      else
        ack(l, node, random() % 5 == 0 ? log_id{} : at(me, index));
      if (node == 1 || l.durable(node_id(node)).index.value >= index)
        holds[node] = std::max(holds[node], l.durable(node_id(node)).index.value);
      auto sorted = holds;
      std::sort(sorted.rbegin(), sorted.rend());
      ASSERT_EQ(l.committed(), log_index(sorted[2]));
      ASSERT_GE(l.committed(), before);
      before = l.committed();
    }
  }
}

TEST(leadership_test, strangers_and_learners_do_not_count) {
  const membership members({quorum::majority({node_id(1), node_id(2), node_id(3)})},
                           addresses_of(4));
  auto l = of(members);
  append(l, 6);
  l.on_flushed(at(me, 6), time_zero);
  EXPECT_EQ(ack(l, 4, at(me, 6)), std::nullopt);
  EXPECT_EQ(ack(l, 9, at(me, 6)), std::nullopt);
  EXPECT_EQ(l.durable(node_id(4)), at(me, 6)) << "but a learner's progress is known";
  EXPECT_EQ(l.last_heard(node_id(9)), std::nullopt);
}

// Scenario 50: it leads on until its removal is committed, by the disks of those who stay.
TEST(leadership_test, a_leader_that_is_no_voter_does_not_count_itself) {
  const membership without_me({quorum::majority({node_id(2), node_id(3)})}, addresses_of(3));
  auto l = of(without_me);
  append(l, 6);
  l.on_flushed(at(me, 6), time_zero);
  EXPECT_EQ(ack(l, 2, at(me, 6), time_zero + ms(100)), std::nullopt);
  EXPECT_FALSE(l.active(time_zero + usual.lease())) << "one of two answered since";
  EXPECT_EQ(ack(l, 3, at(me, 6), time_zero + ms(100)), log_index(6));
}

// Scenarios 45 and 55: a voter of the outgoing side counts until that side is gone.
TEST(leadership_test, in_a_joint_membership_a_majority_of_each_side_commits) {
  const membership joint({quorum::majority({node_id(1), node_id(2), node_id(3)}),
                          quorum::majority({node_id(3), node_id(4), node_id(5)})},
                         addresses_of(5));
  auto l = of(joint);
  append(l, 6);
  l.on_flushed(at(me, 6), time_zero);
  EXPECT_EQ(ack(l, 4, at(me, 6)), std::nullopt);
  EXPECT_EQ(ack(l, 5, at(me, 6)), std::nullopt) << "all of the new side but 3, one of the old";
  EXPECT_EQ(ack(l, 2, at(me, 6)), log_index(6));
}

TEST(leadership_test, commits_reads_and_leases_need_the_write_quorum) {
  auto l = of(membership({*parse_quorum("read 3 write 2 of (1,2,3,4)")}, addresses_of(4)));
  append(l, 6);
  l.on_flushed(at(me, 6), time_zero);
  l.begin_round();
  EXPECT_EQ(ack(l, 2, at(me, 6), time_zero + ms(100), 1), log_index(6)) << "two of four";
  EXPECT_EQ(l.confirmed_round(), 1u);
  EXPECT_EQ(l.quorum_heard(time_zero + ms(100)), time_zero + ms(100));
}

TEST(leadership_test, a_few_batches_are_under_way_at_once) {
  auto l = of(majority_of(3));
  append(l, 6);
  EXPECT_TRUE(l.may_append());
  append(l, 9);
  EXPECT_FALSE(l.may_append());
  l.on_flushed(at(me, 9), time_zero);
  ack(l, 2, at(me, 6));
  EXPECT_TRUE(l.may_append());
  EXPECT_EQ(l.last().last, at(me, 9));
}

// -- reads ----------------------------------------------------------------------------------------

// Scenario 35: its own first entry is part of what a read waits for.
TEST(leadership_test, a_read_of_a_new_leader_waits_for_its_first_entry) {
  auto l = of(majority_of(3));
  append(l, 6);
  EXPECT_EQ(l.read_index(), log_index(6));
  EXPECT_EQ(l.leased_read_index(), log_index(6));
  EXPECT_LT(l.committed(), l.read_index());
}

TEST(leadership_test, a_round_is_confirmed_by_a_quorum_that_answered_requests_with_it) {
  auto l = of(majority_of(5));
  EXPECT_EQ(l.begin_round(), 1u);
  EXPECT_EQ(l.begin_round(), 2u);
  ack(l, 2, {}, time_zero, 2);
  EXPECT_EQ(l.confirmed_round(), 0u);
  ack(l, 3, {}, time_zero, 1);
  EXPECT_EQ(l.confirmed_round(), 1u);
  ack(l, 3, {}, time_zero, 2);
  EXPECT_EQ(l.confirmed_round(), 2u);
  ack(l, 3, {}, time_zero, 1);
  EXPECT_EQ(l.confirmed_round(), 2u) << "an old answer takes nothing back";
  l.begin_round();
  EXPECT_EQ(l.confirmed_round(), 2u) << "and no answer confirms a later round";
}

// Scenario 39: a new leadership knows nothing of the rounds of the one before.
TEST(leadership_test, a_new_leadership_starts_unconfirmed) {
  auto l = of(majority_of(3));
  EXPECT_EQ(l.begin_round(), 1u);
  EXPECT_EQ(l.confirmed_round(), 0u);
  auto single = of(majority_of(1));
  single.begin_round();
  EXPECT_EQ(single.confirmed_round(), 1u) << "nobody else to ask";
}

// -- time -----------------------------------------------------------------------------------------

// Scenario 36: a leader that was stopped for three seconds.
TEST(leadership_test, a_leader_that_no_quorum_answers_is_not_active) {
  auto l = of(majority_of(3));
  EXPECT_TRUE(l.active(time_zero + usual.lease() - duration(1)));
  EXPECT_FALSE(l.active(time_zero + usual.lease()));
  EXPECT_FALSE(l.active(time_zero + ms(3000)));
  EXPECT_EQ(l.deadline(time_zero), time_zero + 2 * usual.lease());
}

TEST(leadership_test, the_lease_counts_from_when_the_request_was_sent) {
  auto l = of(majority_of(3));
  ack(l, 2, {}, time_zero + ms(50));
  EXPECT_TRUE(l.active(time_zero + ms(349)));
  EXPECT_FALSE(l.active(time_zero + ms(350)));
  ack(l, 3, {}, time_zero + ms(20));
  EXPECT_FALSE(l.active(time_zero + ms(350))) << "an older one adds nothing";
  ack(l, 2, {}, time_zero + ms(10));
  EXPECT_EQ(l.quorum_heard(time_zero + ms(60)), time_zero + ms(50)) << "and takes nothing away";
}

TEST(leadership_test, a_single_voter_is_always_active) {
  const auto l = of(majority_of(1));
  EXPECT_TRUE(l.active(time_zero + ms(1'000'000)));
  EXPECT_GT(l.deadline(time_zero + ms(1'000'000)), time_zero + ms(1'000'000));
}

TEST(leadership_test, a_learner_that_answers_does_not_keep_a_leader_active) {
  const membership members({quorum::majority({node_id(1), node_id(2)})}, addresses_of(3));
  auto l = of(members);
  ack(l, 3, {}, time_zero + ms(400));
  EXPECT_FALSE(l.active(time_zero + ms(400)));
}

// -- invariants -----------------------------------------------------------------------------------

TEST(leadership_test, a_leader_appends_only_its_own_entries_and_only_at_the_end) {
  auto l = of(majority_of(3));
  append(l, 6);
  EXPECT_DEATH(append(l, 6), "only ever appends");
  EXPECT_DEATH(l.on_appended({at(led_by(3), 7), 0}, time_zero), "its own entries");
}

TEST(leadership_test, only_a_committed_vote_leads) {
  const auto lead = [](const vote& elected) {
    leadership(elected, majority_of(3), {}, {}, {}, time_zero);
  };
  EXPECT_DEATH(lead(asked(4, 1)), "granted by a quorum");
}

}  // namespace
}  // namespace troupe::core
