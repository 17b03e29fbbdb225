// What a node does with votes and deadlines. Appends are in append_test.cc, and what a hostile peer
// may send is in hostile_test.cc.
#include "actors/core/acceptor.h"

#include <string>

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr timing usual;
constexpr duration jitter = ms(200);
constexpr instant lease_over = time_zero + usual.lease();

// Node 1, which starts at time_zero with this vote and a log (t1,i3).
acceptor voter(const vote& saved, vote_mode mode = vote_mode::advanced) {
  return {{node_id(1), saved, log_of({{led_by(1), 3}}), 7}, usual, mode, time_zero, jitter};
}

vote_request request_for(const vote& wanted, const log_id& last = at(led_by(1), 3)) {
  return {wanted.leader.node, node_id(1), 9, wanted, last, {}, 7};
}

// Why a request is refused; empty when it is granted.
std::string refusal_of(const acceptor& a, const vote_request& request, instant now = lease_over,
                       std::optional<vote> floor = {}, bool leading = false) {
  const auto decision = a.on_vote_request(request, floor, leading, now);
  const auto* refusal = std::get_if<vote_refusal>(&decision);
  if (refusal == nullptr) return "";
  EXPECT_FALSE(refusal->reply.granted);
  EXPECT_EQ(refusal->reply.saved, a.saved()) << "a refusal tells what was promised";
  return refusal->why;
}

// -- votes ----------------------------------------------------------------------------------------

TEST(acceptor_test, a_vote_at_or_above_the_saved_one_is_granted) {
  for (auto mode : both_modes) {
    const auto a = voter(asked(2, 2), mode);
    EXPECT_EQ(refusal_of(a, request_for(asked(3, 2))), "");
    EXPECT_EQ(refusal_of(a, request_for(asked(2, 2))), "") << "the reply was lost: asked again";
    EXPECT_NE(refusal_of(a, request_for(asked(1, 3))), "");
  }
}

TEST(acceptor_test, a_grant_echoes_the_candidacy_and_promises_what_was_asked) {
  const auto decision = voter({}).on_vote_request(request_for(asked(4, 2)), {}, false, lease_over);
  const auto* granted = std::get_if<grant>(&decision);
  ASSERT_NE(granted, nullptr);
  EXPECT_TRUE(granted->reply.granted);
  EXPECT_EQ(granted->reply.candidacy, 9u);
  EXPECT_EQ(granted->reply.from, node_id(1));
  EXPECT_EQ(granted->reply.saved, asked(4, 2));
}

// Scenario 2: what was saved before the restart binds after it.
TEST(acceptor_test, after_a_restart_no_rival_gets_the_same_vote_again) {
  for (auto mode : both_modes) {
    const auto restarted = voter(asked(5, 3), mode);
    EXPECT_NE(refusal_of(restarted, request_for(asked(5, 2))), "");
    EXPECT_EQ(refusal_of(restarted, request_for(asked(5, 3))), "");
    EXPECT_EQ(refusal_of(restarted, request_for(asked(5, 4))) == "", mode == vote_mode::advanced)
        << "a greater node may take over only where leader ids are ordered by it";
  }
}

// Scenario 66: what damage took from the log it has still acknowledged.
TEST(acceptor_test, who_lost_entries_votes_as_if_it_had_them) {
  acceptor a({node_id(1), {}, log_of({{led_by(1), 3}}), 7, 0, false, at(led_by(2), 9)}, usual,
             vote_mode::advanced, time_zero, jitter);
  EXPECT_TRUE(a.lacks_entries());
  EXPECT_NE(refusal_of(a, request_for(asked(4, 2), at(led_by(1), 20))), "");
  EXPECT_NE(refusal_of(a, request_for(asked(4, 2), at(led_by(2), 8))), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(4, 2), at(led_by(2), 9))), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(4, 2), at(led_by(3), 4))), "");
  a.on_log_written(log_of({{led_by(1), 3}, {led_by(3), 5}}));
  EXPECT_FALSE(a.lacks_entries());
  a.on_log_written(log_of({{led_by(1), 3}}));
  EXPECT_FALSE(a.lacks_entries()) << "a promise that was kept does not come back";
}

// Scenario 3.
TEST(acceptor_test, who_follows_the_leader_of_a_term_has_voted_in_it) {
  auto a = voter(asked(2, 2), vote_mode::standard);
  a.on_vote_saved(won(3, 2), time_zero, jitter);
  EXPECT_NE(refusal_of(a, request_for(asked(3, 3))), "");
  EXPECT_NE(refusal_of(a, request_for(asked(3, 4))), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(4, 3))), "");
}

// Scenario 6.
TEST(acceptor_test, logs_are_compared_by_term_before_index) {
  const auto a = voter({});
  EXPECT_NE(refusal_of(a, request_for(asked(3, 2), at(led_by(1), 2))), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(3, 2), at(led_by(1), 4))), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(3, 2), at(led_by(2), 1))), "")
      << "a shorter log of a greater term is ahead";
  EXPECT_NE(refusal_of(a, request_for(asked(3, 2), {})), "");
}

TEST(acceptor_test, the_vote_of_a_candidate_that_is_behind_is_not_adopted) {
  const auto a = voter(asked(2, 2));
  EXPECT_NE(refusal_of(a, request_for(asked(99, 3), at(led_by(1), 2))), "");
  EXPECT_EQ(a.saved(), asked(2, 2));
  EXPECT_EQ(refusal_of(a, request_for(asked(3, 4))), "") << "nothing of 99 remains";
}

// Scenario 49: a removed server, or one that was cut off, keeps asking.
TEST(acceptor_test, while_the_leader_is_alive_no_vote_is_granted) {
  const auto a = voter(won(2, 2));
  EXPECT_NE(refusal_of(a, request_for(asked(9, 3)), lease_over - duration(1)), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(9, 3)), lease_over), "");
}

TEST(acceptor_test, who_is_behind_and_was_removed_is_told_so) {
  const auto a = voter({});
  const auto told = [&](uint64_t index, std::initializer_list<uint64_t> members, bool leading) {
    std::map<node_id, std::string> addresses;
    for (const auto id : members) addresses[node_id(id)] = "somewhere:1";
    const auto decision =
        a.on_vote_request(request_for(asked(3, 2), at(led_by(1), index)), {}, leading, lease_over,
                          membership::of_majority(addresses));
    const auto* refusal = std::get_if<vote_refusal>(&decision);
    return refusal != nullptr && refusal->reply.removed;
  };
  EXPECT_TRUE(told(2, {1, 3}, false));
  EXPECT_FALSE(told(2, {1, 2, 3}, false));
  EXPECT_FALSE(told(3, {1, 3}, false)) << "it may know better";
  EXPECT_TRUE(told(3, {1, 3}, true)) << "a leader knows who follows it";
}

TEST(acceptor_test, a_leader_grants_nothing_while_it_leads) {
  const auto a = voter(won(2, 1));
  EXPECT_NE(refusal_of(a, request_for(asked(9, 3)), time_zero, {}, /*leading=*/true), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(9, 3)), time_zero), "") << "it has no lease of itself";
}

TEST(acceptor_test, the_leader_that_gave_up_may_stand_again_during_its_own_lease) {
  const auto a = voter(won(2, 2));
  EXPECT_EQ(refusal_of(a, request_for(asked(3, 2)), time_zero), "");
  EXPECT_NE(refusal_of(a, request_for(asked(3, 3)), time_zero), "");
}

// A request of the leader may have been on its way since before it was elected.
TEST(acceptor_test, a_grant_to_the_leader_does_not_end_its_lease_for_others) {
  auto a = voter(won(2, 2));
  ASSERT_EQ(refusal_of(a, request_for(asked(3, 2)), time_zero), "");
  a.on_vote_saved(asked(3, 2), time_zero, jitter);
  EXPECT_NE(refusal_of(a, request_for(asked(4, 3)), lease_over - duration(1)), "");
  EXPECT_EQ(refusal_of(a, request_for(asked(4, 3)), lease_over), "");
}

// Scenario 15: a transfer passes the lease and nothing else.
TEST(acceptor_test, a_transfer_passes_the_lease_and_no_other_check) {
  const auto transfer = [](vote_request r) { return r.handed_by = won(2, 2), r; };
  const auto a = voter(won(2, 2));
  EXPECT_EQ(refusal_of(a, transfer(request_for(asked(3, 3))), time_zero), "");
  EXPECT_NE(refusal_of(a, transfer(request_for(asked(3, 3), at(led_by(1), 2))), time_zero), "");
  EXPECT_NE(refusal_of(a, transfer(request_for(asked(1, 3))), time_zero), "");
  EXPECT_NE(refusal_of(a, transfer(request_for(asked(3, 3))), time_zero, asked(4, 1)), "");
}

// It may be on its way for longer than the leader leads who asked for it.
TEST(acceptor_test, a_transfer_passes_no_other_leaders_lease) {
  auto late = request_for(asked(4, 3));
  late.handed_by = won(1, 4);
  EXPECT_NE(refusal_of(voter(won(2, 2)), late, time_zero), "");
  EXPECT_EQ(refusal_of(voter(won(2, 2)), late, lease_over), "");
}

// Who is ahead knows the later membership, in which the candidate may be with this disk.
TEST(acceptor_test, who_is_known_with_another_disk_is_refused_unless_its_log_is_ahead) {
  std::map<node_id, member> nodes{{node_id(1), {"a"}}, {node_id(2), {"b", 20}}};
  const membership known({quorum::majority({node_id(1), node_id(2)})}, nodes);
  const auto granted = [&](const log_id& last) {
    auto request = request_for(asked(2, 2), last);
    request.incarnation = 21;
    const auto d = voter({}).on_vote_request(request, {}, false, lease_over, known);
    return std::holds_alternative<grant>(d);
  };
  EXPECT_FALSE(granted(at(led_by(1), 3)));
  EXPECT_TRUE(granted(at(led_by(1), 4)));
}

// It may be a voter of long ago that lost its disk, and so may the candidate.
TEST(acceptor_test, who_joined_and_is_not_known_yet_grants_only_to_a_longer_log) {
  const auto granted = [](bool named, const log_id& last) {
    acceptor a({node_id(1), won(1, 3), log_of({{led_by(1), 3}}), 7, 11, /*joined=*/true}, usual,
               vote_mode::advanced, time_zero, jitter);
    a.on_named(named);
    const auto d = a.on_vote_request(request_for(asked(2, 2), last), {}, false, lease_over);
    return std::holds_alternative<grant>(d);
  };
  EXPECT_FALSE(granted(false, at(led_by(1), 3)));
  EXPECT_TRUE(granted(true, at(led_by(1), 3)));
  EXPECT_TRUE(granted(false, at(led_by(1), 4)));
}

TEST(acceptor_test, of_two_candidates_with_the_same_log_the_greater_is_granted_by_the_other) {
  for (auto mode : both_modes) {
    const auto lower = voter({}, mode);
    EXPECT_EQ(refusal_of(lower, request_for(asked(1, 2)), lease_over, /*floor=*/asked(1, 1)), "");
    const acceptor greater{
        {node_id(3), {}, log_of({{led_by(1), 3}}), 7}, usual, mode, time_zero, jitter};
    auto request = request_for(asked(1, 2));
    request.to = node_id(3);
    EXPECT_NE(refusal_of(greater, request, lease_over, asked(1, 3)), "");
    EXPECT_EQ(refusal_of(greater, request, lease_over), "");
    request.last = at(led_by(1), 4);
    EXPECT_EQ(refusal_of(greater, request, lease_over, asked(1, 3)), "")
        << "only the one whose log is ahead can win";
    request = request_for(asked(2, 2));
    request.to = node_id(3);
    EXPECT_EQ(refusal_of(greater, request, lease_over, asked(1, 3)), "") << "the term comes first";
  }
}

// Scenario 51: who is a voter is the candidate's matter, which has the newest membership.
TEST(acceptor_test, a_node_that_does_not_know_that_it_is_a_voter_votes) {
  const acceptor learner{{node_id(1), {}, {}, 7}, usual, vote_mode::advanced, time_zero, jitter};
  EXPECT_EQ(refusal_of(learner, request_for(asked(1, 2))), "");
}

// -- time -----------------------------------------------------------------------------------------

TEST(acceptor_test, a_node_stands_for_election_after_the_lease_and_its_own_random_part) {
  EXPECT_EQ(voter({}).election_deadline(), time_zero + jitter);
  EXPECT_EQ(voter(asked(2, 2)).election_deadline(), time_zero + jitter);
  EXPECT_EQ(voter(won(2, 2)).election_deadline(), lease_over + jitter);
}

TEST(acceptor_test, after_a_restart_the_leader_of_the_saved_vote_has_its_lease) {
  EXPECT_TRUE(voter(won(2, 2)).lease_live(time_zero));
  EXPECT_EQ(voter(won(2, 2)).leader(time_zero), node_id()) << "it may be long gone";
  EXPECT_FALSE(voter(asked(2, 2)).lease_live(time_zero));
  EXPECT_FALSE(voter(won(2, 1)).lease_live(time_zero)) << "nobody leases from itself";
}

TEST(acceptor_test, a_silent_leader_is_no_longer_named) {
  auto a = voter({});
  a.on_vote_saved(won(2, 2), time_zero, jitter);
  EXPECT_EQ(a.leader(lease_over - duration(1)), node_id(2));
  EXPECT_EQ(a.leader(lease_over), node_id());
}

TEST(acceptor_test, a_vote_for_somebody_new_restarts_the_timer_once_and_the_leader_always) {
  auto a = voter({});
  a.on_vote_saved(asked(2, 2), time_zero + ms(100), ms(250));
  EXPECT_EQ(a.election_deadline(), time_zero + ms(350));
  a.on_vote_saved(asked(2, 2), time_zero + ms(140), ms(250));
  EXPECT_EQ(a.election_deadline(), time_zero + ms(350));
  a.on_vote_saved(asked(3, 2), time_zero + ms(150), ms(250));
  EXPECT_EQ(a.election_deadline(), time_zero + ms(350)) << "before it has stood itself";
  a.on_vote_saved(won(3, 2), time_zero + ms(160), ms(150));
  EXPECT_EQ(a.election_deadline(), time_zero + ms(310) + usual.lease());
}

// The saved vote is still the old leader's, for a candidate votes for itself last.
TEST(acceptor_test, a_candidacy_that_failed_does_not_renew_the_lease_of_the_leader_before) {
  auto a = voter(won(2, 2));
  const auto stands = a.election_deadline();
  a.timer().on_stood(stands, ms(150));
  EXPECT_FALSE(a.lease_live(stands));
  EXPECT_EQ(a.leader(stands), node_id());
  EXPECT_EQ(refusal_of(a, request_for(asked(3, 3)), stands), "");
  EXPECT_EQ(a.election_deadline(), stands + ms(150));
}

TEST(acceptor_test, a_saved_vote_never_falls) {
  EXPECT_DEATH(voter(asked(3, 2)).on_vote_saved(asked(2, 3), lease_over, jitter), "never falls");
  EXPECT_DEATH(
      voter(asked(3, 2), vote_mode::standard).on_vote_saved(asked(3, 3), lease_over, jitter),
      "never falls");
}

}  // namespace
}  // namespace troupe::core
