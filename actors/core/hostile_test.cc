// Scenario 79: whatever a hostile or broken peer sends is refused and changes nothing. None of it
// may meet an assertion: those are about ourselves.
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/acceptor.h"
#include "actors/core/candidacy.h"
#include "actors/core/leadership.h"
#include "actors/core/progress.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
constexpr leader_id one = led_by(1), two = led_by(2, 2), three = led_by(3, 3);

// Node 1: follows node 3, has (t1,i4) committed and (t2,i6).
acceptor victim() {
  acceptor a({node_id(1), won(3, 3), log_of({{one, 4}, {two, 6}}), 7}, {}, vote_mode::advanced,
             time_zero, ms(200));
  a.on_committed(log_index(4));
  return a;
}

append_request from_leader(const log_id& previous, std::vector<batch_ptr> batches = {}) {
  return {node_id(1), {won(3, 3), {}, 1}, previous, log_index(4), 5, 7, 0, std::move(batches)};
}

vote_request candidate(const vote& wanted) {
  return {wanted.leader.node, node_id(1), 9, wanted, at(three, 9), {}, 7};
}

// -- appends --------------------------------------------------------------------------------------

TEST(hostile_test, an_append_that_breaks_the_rules_of_its_form_is_refused) {
  const struct {
    const char* what;
    append_request request;
  } cases[] = {
      {"a gap before the batch", from_leader(at(two, 6), {batch_of(three, 8, 8)})},
      {"a gap between batches",
       from_leader(at(two, 6), {batch_of(three, 7, 7), batch_of(three, 9, 9)})},
      {"an overlap", from_leader(at(two, 6), {batch_of(three, 7, 8), batch_of(three, 8, 9)})},
      {"leaders that fall", from_leader(at(two, 6), {batch_of(three, 7, 7), batch_of(two, 8, 8)})},
      {"a leader below the previous one", from_leader(at(two, 6), {batch_of(one, 7, 7)})},
      {"a leader above the sender", from_leader(at(two, 6), {batch_of(led_by(4), 7, 7)})},
      {"an index that wraps", from_leader(at(two, most), {batch_of(three, 1, 1)})},
  };
  for (const auto& [what, request] : cases) {
    auto a = victim();
    const auto decision = a.on_append_request(request, time_zero + ms(400));
    const auto* refusal = std::get_if<append_refusal>(&decision);
    ASSERT_NE(refusal, nullptr) << what;
    EXPECT_EQ(refusal->reply.verdict, verdict::failed) << what;
    EXPECT_EQ(a.log().last(), at(two, 6)) << what;
    EXPECT_FALSE(a.lease_live(time_zero + ms(400))) << what;
  }
}

TEST(hostile_test, an_append_with_a_forged_head_is_refused) {
  std::vector<append_request> forged(7, from_leader(at(two, 6)));
  forged[0].to = node_id(2);
  forged[1].cluster = 8;
  forged[2].session.leader = asked(9, 3);
  forged[3].session.leader = won(9, 1);  // this node itself
  forged[4].session.leader = won(0, 3);
  forged[5].session.leader = won(9, 0);
  forged[6].session.leader = won(most, 3);
  for (size_t i = 0; i < forged.size(); ++i) {
    auto a = victim();
    const auto decision = a.on_append_request(forged[i], time_zero + ms(400));
    EXPECT_TRUE(std::holds_alternative<append_refusal>(decision)) << i;
    EXPECT_EQ(a.saved(), won(3, 3)) << i;
    EXPECT_FALSE(a.lease_live(time_zero + ms(400))) << i;
  }
}

TEST(hostile_test, a_previous_entry_that_nobody_wrote_is_a_conflict) {
  for (const auto& previous : {at(three, most), at({}, 5), at(three, 0), at(led_by(most, most), 6),
                               at({}, most), at(two, 4)}) {
    auto a = victim();
    const auto decision = a.on_append_request(from_leader(previous), time_zero);
    const auto* refusal = std::get_if<append_refusal>(&decision);
    ASSERT_NE(refusal, nullptr) << previous;
    EXPECT_EQ(refusal->reply.verdict, verdict::conflict);
    EXPECT_TRUE(a.log().contains(refusal->reply.hint)) << refusal->reply.hint;
  }
}

TEST(hostile_test, what_contradicts_a_committed_entry_is_refused) {
  for (auto batch : {batch_of(three, 4, 4), batch_of(three, 4, 9), batch_of(three, 4, 6)}) {
    auto a = victim();
    const auto decision = a.on_append_request(from_leader(at(one, 3), {batch}), time_zero);
    ASSERT_TRUE(std::holds_alternative<append_refusal>(decision)) << batch->last();
    EXPECT_EQ(a.log().last(), at(two, 6));
    EXPECT_EQ(a.committed(), log_index(4));
  }
}

// No two logs look like this, for (t2,i6) names all that is before it. What was accepted is
// written.
TEST(hostile_test, after_an_entry_that_differs_everything_is_written_again) {
  auto a = victim();
  const auto request = from_leader(at(one, 4), {batch_of(led_by(1, 2), 5, 5), batch_of(two, 6, 6)});
  const auto decision = a.on_append_request(request, time_zero);
  const auto* accepted = std::get_if<accepted_append>(&decision);
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->batches.size(), 2u);
  EXPECT_EQ(accepted->reply.durable, a.log().last());
}

TEST(hostile_test, what_contradicts_the_purged_part_is_refused) {
  auto a = victim();
  auto log = log_of({{two, 6}});
  log.purge(at(two, 6));
  a.on_log_written(log);
  a.on_committed(log_index(6));
  for (const auto& batches : {std::vector{batch_of(one, 5, 6), batch_of(one, 7, 7)},
                              std::vector{batch_of(one, 5, 6)}, std::vector{batch_of(one, 5, 8)}}) {
    const auto decision = a.on_append_request(from_leader(at(one, 4), batches), time_zero);
    EXPECT_TRUE(std::holds_alternative<append_refusal>(decision));
    EXPECT_EQ(a.log().last(), at(two, 6));
  }
}

TEST(hostile_test, a_commit_index_beyond_everything_commits_what_was_verified) {
  auto a = victim();
  auto request = from_leader(at(two, 5));
  request.committed = log_index(most);
  EXPECT_TRUE(std::holds_alternative<accepted_append>(a.on_append_request(request, time_zero)));
  EXPECT_EQ(a.committed(), log_index(5));
}

// -- votes ----------------------------------------------------------------------------------------

TEST(hostile_test, a_vote_request_with_a_forged_head_is_refused) {
  std::vector<vote_request> forged(6, candidate(asked(9, 2)));
  forged[0].to = node_id(2);
  forged[1].cluster = 8;
  forged[2].wanted.committed = true;
  forged[3].from = node_id(3);
  forged[4] = candidate(asked(9, 0));
  forged[5] = candidate(asked(9, 1));  // this node itself
  for (size_t i = 0; i < forged.size(); ++i) {
    const auto decision = victim().on_vote_request(forged[i], {}, false, time_zero + ms(400));
    EXPECT_TRUE(std::holds_alternative<vote_refusal>(decision)) << i;
  }
  const auto honest =
      victim().on_vote_request(candidate(asked(9, 2)), {}, false, time_zero + ms(400));
  EXPECT_TRUE(std::holds_alternative<grant>(honest));
}

TEST(hostile_test, a_term_close_to_where_it_wraps_around_is_not_adopted) {
  for (const uint64_t in : {last_term.value + 1, most - 1, most}) {
    for (auto mode : both_modes) {
      const acceptor a({node_id(1), {}, {}, 7}, {}, mode, time_zero, ms(200));
      auto request = candidate(asked(in, 2));
      const auto decision = a.on_vote_request(request, {}, false, time_zero);
      EXPECT_TRUE(std::holds_alternative<vote_refusal>(decision)) << in;

      candidacy c(1, node_id(1), {}, majority_of(3), {}, 7, mode);
      EXPECT_EQ(c.on_vote_reply({node_id(2), 1, false, asked(in, 2), {}}),
                candidacy::result::waiting);
      EXPECT_EQ(c.on_vote_reply({node_id(2), 1, false, won(in, 2), {}}),
                candidacy::result::waiting);
      EXPECT_EQ(c.seen(), vote{});
    }
  }
}

TEST(hostile_test, the_greatest_term_that_is_believed_leaves_room_for_candidates) {
  const auto seen = asked(last_term.value, 9);
  for (auto mode : both_modes) {
    candidacy c(1, node_id(1), seen, majority_of(1), {}, 7, mode);
    EXPECT_TRUE(exceeds(c.wanted(), seen, mode));
    EXPECT_EQ(c.outcome(), candidacy::result::won);
  }
}

TEST(hostile_test, grants_of_strangers_and_of_ourselves_win_nothing) {
  candidacy c(1, node_id(1), {}, majority_of(3), {}, 7, vote_mode::advanced);
  for (const uint64_t from : {uint64_t{0}, uint64_t{1}, uint64_t{4}, most})
    EXPECT_EQ(c.on_vote_reply({node_id(from), 1, true, asked(1, 1), {}}),
              candidacy::result::waiting);
}

// -- what a follower claims -----------------------------------------------------------------------

TEST(hostile_test, an_acknowledgement_of_what_the_leader_does_not_have_does_not_count) {
  leadership l(won(3, 1), majority_of(3), {}, {at(two, 4), 0}, {}, time_zero);
  l.on_appended({at(led_by(3), 6), 0}, time_zero);
  l.on_flushed(at(led_by(3), 6), time_zero);
  for (const auto& claim : {at(led_by(3), 7), at(led_by(3), most), at(two, 6), at(two, most),
                            at(led_by(9), 6), at(led_by(most, most), 4), at({}, 5)})
    EXPECT_EQ(l.on_acked(node_id(2), claim, time_zero, 0), std::nullopt) << claim;
  EXPECT_EQ(l.on_acked(node_id(2), at(led_by(3), 6), time_zero, 0), log_index(6))
      << "and does not stand in the way of an honest one";
}

TEST(hostile_test, a_read_round_that_has_not_begun_is_not_confirmed) {
  leadership l(won(3, 1), majority_of(3), {}, {at(two, 4), 0}, {}, time_zero);
  l.begin_round();
  l.on_acked(node_id(2), {}, time_zero, most);
  l.on_acked(node_id(3), {}, time_zero, most);
  EXPECT_EQ(l.confirmed_round(), 1u);
  l.begin_round();
  EXPECT_EQ(l.confirmed_round(), 1u);
}

TEST(hostile_test, nonsense_of_a_follower_leads_replication_back_to_probing) {
  const auto log = log_of({{one, 4}, {two, 6}});
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    const uint64_t values[] = {0, 1, 2, 3, 4, 6, 7, most - 1, most};
    const auto any = [&] { return values[random() % std::size(values)]; };
    progress p(log, {});
    for (int i = 0; i < 50; ++i) {
      const auto step = random() % 4 == 0 ? p.heartbeat() : p.next();
      ASSERT_TRUE(log.contains(step.previous)) << step.previous;
      p.sent(step, step.previous, byte_count(0), time_zero);
      const log_id nonsense{{term(any()), node_id(any())}, log_index(any())};
      const auto ticket = random() % 4 == 0 ? any() : step.ticket;
      if (random() % 2 == 0)
        p.on_matched(ticket, nonsense, time_zero);
      else
        p.on_conflict(ticket, nonsense);
      ASSERT_TRUE(log.contains(p.matched())) << p.matched();
    }
  }
}

}  // namespace
}  // namespace troupe::core
