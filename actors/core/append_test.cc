// What a follower does with appends (thesis 3.5). What breaks the rules is in hostile_test.cc.
#include <random>

#include <gtest/gtest.h>

#include "actors/core/acceptor.h"
#include "actors/core/progress.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr timing usual;

acceptor follower(log_view log, const vote& saved) {
  return {{node_id(1), saved, std::move(log), 7}, usual, vote_mode::advanced, time_zero, ms(200)};
}

append_request from(const vote& leader, const log_id& previous, std::vector<batch_ptr> batches = {},
                    uint64_t committed = 0) {
  return {node_id(1), {leader, {}, 1}, previous, log_index(committed), 5, 7, 0, std::move(batches)};
}

accepted_append accept(acceptor& a, const append_request& request) {
  auto decision = a.on_append_request(request, time_zero + ms(10));
  const auto* accepted = std::get_if<accepted_append>(&decision);
  if (accepted == nullptr) {
    ADD_FAILURE() << "not accepted, previous=" << request.previous;
    return {};
  }
  EXPECT_EQ(accepted->reply.verdict, verdict::matched);
  EXPECT_EQ(accepted->reply.session, request.session);
  EXPECT_EQ(accepted->reply.round, request.round);
  return *accepted;
}

append_reply refuse(acceptor& a, const append_request& request) {
  auto decision = a.on_append_request(request, time_zero + ms(10));
  const auto* refusal = std::get_if<append_refusal>(&decision);
  if (refusal == nullptr) {
    ADD_FAILURE() << "not refused, previous=" << request.previous;
    return {};
  }
  EXPECT_EQ(refusal->reply.durable, log_id{}) << "a refusal claims nothing";
  return refusal->reply;
}

constexpr leader_id one = led_by(1), two = led_by(2, 2), three = led_by(3, 3);

// -- votes ----------------------------------------------------------------------------------------

// Scenarios 3 and 4: the vote comes first, durably, whoever this node voted for in that term.
TEST(append_test, the_vote_of_a_new_leader_is_saved_before_its_entries) {
  auto a = follower(log_of({{one, 3}}), asked(3, 1));
  const auto request = from(won(3, 3), at(one, 3), {batch_of(three, 4, 4)});
  auto decision = a.on_append_request(request, time_zero);
  ASSERT_TRUE(std::holds_alternative<save_vote_first>(decision));
  EXPECT_EQ(std::get<save_vote_first>(decision).wanted, won(3, 3));
  EXPECT_EQ(a.log().last(), at(one, 3)) << "nothing was written under the old vote";
  a.on_vote_saved(won(3, 3), time_zero, ms(200));
  EXPECT_EQ(accept(a, request).reply.durable, at(three, 4));
  EXPECT_EQ(a.leader(time_zero + ms(10)), node_id(3));
}

TEST(append_test, the_leader_of_an_older_vote_is_told_the_promise) {
  auto a = follower(log_of({{one, 3}}), asked(3, 3));
  const auto reply = refuse(a, from(won(2, 2), at(one, 3), {batch_of(two, 4, 4)}));
  EXPECT_EQ(reply.verdict, verdict::rejected);
  EXPECT_EQ(reply.saved, asked(3, 3));
  EXPECT_FALSE(a.lease_live(time_zero + ms(10)));
}

TEST(append_test, every_append_of_the_leader_renews_its_lease) {
  auto a = follower(log_of({{one, 3}}), won(3, 3));
  accept(a, from(won(3, 3), at(one, 3)));
  EXPECT_TRUE(a.lease_live(time_zero + usual.lease() + ms(9)));
  a.on_append_request(from(won(3, 3), at(three, 9)), time_zero + ms(100));
  EXPECT_TRUE(a.lease_live(time_zero + usual.lease() + ms(99))) << "a conflict is a sign of life";
}

// -- the log --------------------------------------------------------------------------------------

TEST(append_test, an_empty_append_claims_nothing_and_waits_for_nothing) {
  auto a = follower(log_of({{one, 3}}), won(3, 3));
  const auto d = accept(a, from(won(3, 3), at(one, 3)));
  EXPECT_FALSE(d.wait_for_flush);
  EXPECT_EQ(d.reply.durable, log_id{});
}

// Scenario 21: a longer diverged tail is not acknowledged.
TEST(append_test, only_what_the_request_verified_is_acknowledged) {
  auto a = follower(log_of({{one, 3}, {two, 9}}), won(3, 3));
  const auto d = accept(a, from(won(3, 3), at(one, 3), {batch_of(three, 4, 4)}));
  EXPECT_EQ(d.reply.durable, at(three, 4));
  EXPECT_EQ(d.truncate_after, log_index(3));
  EXPECT_EQ(a.log().last(), at(three, 4));

  auto b = follower(log_of({{one, 9}}), won(3, 3));
  EXPECT_EQ(accept(b, from(won(3, 3), at(one, 2), {batch_of(one, 3, 4)})).reply.durable,
            at(one, 4));
  EXPECT_EQ(b.log().last(), at(one, 9));
}

// Scenario 22.
TEST(append_test, an_old_request_that_comes_again_deletes_nothing) {
  auto a = follower({}, won(3, 3));
  const auto early = from(won(3, 3), {}, {batch_of(three, 1, 2)});
  accept(a, early);
  accept(a, from(won(3, 3), at(three, 2), {batch_of(three, 3, 5)}));
  const auto d = accept(a, early);
  EXPECT_EQ(d.truncate_after, std::nullopt);
  EXPECT_TRUE(d.batches.empty());
  EXPECT_TRUE(d.wait_for_flush) << "what is there may not be durable yet";
  EXPECT_EQ(d.reply.durable, at(three, 2));
  EXPECT_EQ(a.log().last(), at(three, 5));
}

TEST(append_test, of_what_is_partly_there_only_the_rest_is_written) {
  auto a = follower(log_of({{one, 3}}), won(3, 3));
  const auto d = accept(a, from(won(3, 3), at(one, 1),
                                {batch_of(one, 2, 3), batch_of(two, 4, 4), batch_of(three, 5, 6)}));
  ASSERT_EQ(d.batches.size(), 2u);
  EXPECT_EQ(d.batches.front()->first_index(), log_index(4));
  EXPECT_EQ(d.truncate_after, std::nullopt);
  EXPECT_EQ(d.reply.durable, at(three, 6));
}

// Scenario 23.
TEST(append_test, a_previous_entry_that_was_purged_is_no_conflict) {
  auto log = log_of({{one, 9}});
  log.purge(at(one, 6));
  auto a = follower(log, won(3, 3));
  const auto d = accept(a, from(won(3, 3), at(one, 2),
                                {batch_of(one, 3, 4), batch_of(one, 5, 6), batch_of(one, 7, 9)}));
  EXPECT_EQ(d.truncate_after, std::nullopt);
  EXPECT_TRUE(d.batches.empty());
  EXPECT_EQ(d.reply.durable, at(one, 9));
  EXPECT_EQ(a.committed(), log_index(6)) << "what was purged was committed";
}

TEST(append_test, a_previous_entry_beyond_the_log_is_a_conflict_at_its_end) {
  auto a = follower(log_of({{one, 3}, {two, 5}}), won(3, 3));
  const auto reply = refuse(a, from(won(3, 3), at(three, 8), {batch_of(three, 9, 9)}));
  EXPECT_EQ(reply.verdict, verdict::conflict);
  EXPECT_EQ(reply.hint, at(two, 5));
  EXPECT_EQ(refuse(a, from(won(3, 3), at(one, 4))).hint, at(one, 3))
      << "no leader above the asked one";
}

// Scenario 27.
TEST(append_test, committed_is_no_more_than_what_the_request_verified) {
  auto a = follower(log_of({{one, 3}, {two, 9}}), won(3, 3));
  accept(a, from(won(3, 3), at(one, 2), {}, 8));
  EXPECT_EQ(a.committed(), log_index(2)) << "the tail may still conflict";
  EXPECT_EQ(a.cluster_committed(), log_index(8)) << "but so much the leader told";
  accept(a, from(won(3, 3), at(one, 3), {batch_of(three, 4, 5)}, 8));
  EXPECT_EQ(a.committed(), log_index(5));
  accept(a, from(won(3, 3), at(one, 3), {}, 2));
  EXPECT_EQ(a.committed(), log_index(5)) << "it never falls";
}

// -- follower and leader together -----------------------------------------------------------------

// Batches of one entry from `first` on, as the leader's log has them.
std::vector<batch_ptr> entries_of(const log_view& log, log_index first, uint64_t most) {
  std::vector<batch_ptr> batches;
  for (auto i = first; i <= log.last_index() && batches.size() < most; i += 1)
    batches.push_back(batch_of(*log.leader_at(i), i.value, i.value));
  return batches;
}

// One round trip after another until the follower has all; how many it took.
int round_trips(progress& p, const log_view& log, acceptor& a, const vote& leader, uint64_t most) {
  for (int trips = 0; trips < 1000; ++trips) {
    if (p.matched() == log.last()) return trips;
    const auto step = p.next();
    // As a replicator does: a probe goes out empty where the batches are not at hand.
    auto batches = p.how() == progress::mode::streaming ? entries_of(log, step.first, most)
                                                        : std::vector<batch_ptr>{};
    const auto request = from(leader, step.previous, batches, 0);
    p.sent(step, batches.empty() ? step.previous : batches.back()->last(), byte_count(1),
           time_zero);
    auto decision = a.on_append_request(request, time_zero);
    if (auto* accepted = std::get_if<accepted_append>(&decision))
      p.on_matched(step.ticket, accepted->reply.durable, time_zero);
    else
      p.on_conflict(step.ticket, std::get<append_refusal>(decision).reply.hint);
  }
  return 1000;
}

// Scenario 28: 20,000 conflicting entries of 8 leaders.
TEST(append_test, a_diverged_follower_converges_in_as_many_round_trips_as_there_are_leaders) {
  std::vector<std::pair<leader_id, uint64_t>> mine{{one, 100}}, theirs{{one, 100}};
  for (uint64_t i = 1; i <= 8; ++i) {
    mine.emplace_back(led_by(2 * i + 1), 100 + 2500 * i);
    theirs.emplace_back(led_by(2 * i), 100 + 2500 * i + 7);
  }
  const auto log = log_of(mine);
  progress p(log, {});
  auto a = follower(log_of(theirs), won(20, 2));
  EXPECT_LE(round_trips(p, log, a, won(20, 2), 20'000), 8 + 2);
  EXPECT_EQ(a.log().last(), log.last());
}

// Only leader changes count, on either side; the last two are the first probe and the transfer.
TEST(append_test, the_number_of_conflicting_entries_costs_no_round_trip) {
  for (const uint64_t entries : {50u, 60u, 10'000u, 100'000u})
    for (const uint64_t my_leaders : {1u, 2u, 10u, 50u})
      for (const uint64_t their_leaders : {1u, 2u, 10u, 50u}) {
        SCOPED_TRACE(testing::Message() << entries << " conflicting entries, leaders: "
                                        << my_leaders << " and " << their_leaders);
        const auto grown = [&](uint64_t leaders, uint64_t parity) {
          std::vector<std::pair<leader_id, uint64_t>> runs{{one, 100}};
          for (uint64_t i = 1; i <= leaders; ++i)
            runs.emplace_back(led_by(2 * i + parity), 100 + entries * i / leaders);
          return log_of(runs);
        };
        const auto log = grown(my_leaders, 1);
        progress p(log, {});
        auto a = follower(grown(their_leaders, 0), won(200, 2));
        const auto changes = static_cast<int>(std::min(my_leaders, their_leaders));
        ASSERT_LE(round_trips(p, log, a, won(200, 2), entries), changes + 2);
        ASSERT_EQ(a.log().last(), log.last());
      }
}

TEST(append_test, any_two_logs_converge) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    const auto grow = [&](log_view log, uint64_t parity) {
      uint64_t in = log.last().leader.in.value;
      for (uint64_t runs = random() % 5; runs > 0; --runs) {
        // Two leaders never share an id: each side has its own terms.
        in += 1 + random() % 2;
        in += (in + parity) % 2;
        log.append(led_by(in), log.last_index() + (1 + random() % 6));
      }
      return log;
    };
    const auto common = grow({}, random() % 2);
    auto log = grow(common, 0);
    // A leader begins with an entry of its own.
    log.append(led_by(99, 2), log.last_index().next());
    auto theirs = grow(common, 1);
    const auto at_most = std::min(common.last_index().value, log.last_index().value);
    if (const auto purge = at_most == 0 ? 0 : random() % (at_most + 1))
      theirs.purge({*theirs.leader_at(log_index(purge)), log_index(purge)});
    progress p(log, {});
    auto a = follower(theirs, won(99, 2));
    ASSERT_LT(round_trips(p, log, a, won(99, 2), 1 + random() % 4), 60);
    ASSERT_TRUE(a.log().contains(log.last()));
  }
}

}  // namespace
}  // namespace troupe::core
