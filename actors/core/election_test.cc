// Several nodes together. What must never happen (two leaders of one vote, a leader while another
// one holds a lease) is looked after by the rehearsal itself at every step.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/quorum_text.h"
#include "actors/core/rehearsal.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr duration timeout = timing{}.election_timeout_max;

rehearsal::options nodes(uint64_t count, uint64_t seed = 1, vote_mode mode = vote_mode::advanced) {
  rehearsal::options o;
  o.nodes = count;
  o.seed = seed;
  o.mode = mode;
  return o;
}

// Runs `story` with many seeds in both modes.
template <class Story>
void with_seeds(uint64_t count, uint64_t seeds, Story story) {
  for (auto mode : both_modes)
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      SCOPED_TRACE(testing::Message()
                   << "seed=" << seed << " standard=" << (mode == vote_mode::standard));
      rehearsal r(nodes(count, seed, mode));
      ASSERT_NO_FATAL_FAILURE(story(r));
      ASSERT_TRUE(r.broken().empty()) << r.broken().front();
    }
}

// Lets a leader be elected; its id.
uint64_t settle(rehearsal& r) {
  EXPECT_TRUE(r.run_until([&] { return r.leader() != 0; }, 20 * timeout)) << "no leader";
  r.run_for(timeout);
  return r.leader();
}

void elect_first(rehearsal& r) {
  r.elect(1);
  ASSERT_EQ(settle(r), 1u);
}

uint64_t other_than(uint64_t id) { return id == 1 ? 2 : 1; }

// -- a node that is cut off -----------------------------------------------------------------------

// Scenario 9.
TEST(election_test, a_node_that_was_cut_off_comes_back_and_disturbs_nobody) {
  with_seeds(3, 50, [](rehearsal& r) {
    const auto leader = settle(r);
    const auto gone = other_than(leader);
    const auto term = r.greatest_term();
    const auto stood = r.candidacies(gone), saves = r.saves(gone);
    r.isolate(gone);
    r.run_for(std::chrono::seconds(30));
    ASSERT_EQ(r.candidacies(gone), stood) << "nobody answers when it calls the roll";
    r.elect(gone);
    r.run_for(timeout);
    ASSERT_EQ(r.saves(gone), saves) << "and if it stands, it votes for itself last";
    r.heal();
    r.run_for(20 * timeout);
    ASSERT_EQ(r.leader(), leader);
    ASSERT_EQ(r.greatest_term(), term);
    ASSERT_EQ(r.of(gone).leader(r.clock()), node_id(leader));
  });
}

// Each of them would vote for the other, and its leader would have to exceed that.
TEST(election_test, two_of_five_that_were_cut_off_together_come_back_and_disturb_nobody) {
  with_seeds(5, 50, [](rehearsal& r) {
    const auto leader = settle(r);
    const uint64_t a = leader % 5 + 1, b = a % 5 + 1;
    const auto term = r.greatest_term();
    const auto saves = r.saves(a) + r.saves(b);
    for (uint64_t id = 1; id <= 5; ++id)
      if (id != a && id != b) r.cut(a, id), r.cut(id, a), r.cut(b, id), r.cut(id, b);
    r.run_for(std::chrono::seconds(30));
    ASSERT_EQ(r.saves(a) + r.saves(b), saves);
    r.heal();
    r.run_for(20 * timeout);
    ASSERT_EQ(r.leader(), leader);
    ASSERT_EQ(r.greatest_term(), term);
  });
}

// Scenario 14.
TEST(election_test, a_mute_follower_never_stands_and_a_deaf_one_deposes_nobody) {
  with_seeds(3, 50, [](rehearsal& r) {
    const auto leader = settle(r);
    const auto term = r.greatest_term();
    const auto faulty = other_than(leader);
    const auto stood = r.candidacies(faulty);
    r.mute(faulty);
    r.run_for(30 * timeout);
    ASSERT_EQ(r.candidacies(faulty), stood);
    r.heal();
    r.deafen(faulty);
    for (int i = 0; i < 30; ++i) r.run_for(2 * timeout), r.elect(faulty);
    r.run_for(timeout);
    ASSERT_EQ(r.leader(), leader);
    ASSERT_EQ(r.greatest_term(), term);
  });
}

// Scenario 12.
TEST(election_test, leaves_that_the_leader_does_not_reach_do_not_depose_it) {
  for (auto mode : both_modes) {
    auto o = nodes(5, 7, mode);
    o.replicate = true;
    rehearsal r(o);
    ASSERT_NO_FATAL_FAILURE(elect_first(r));
    const auto term = r.greatest_term();
    r.only({{1, 2}, {1, 3}, {2, 3}, {2, 4}, {1, 5}});
    for (uint64_t second = 1; second <= 60; ++second) {
      r.offer(second);
      r.run_for(std::chrono::seconds(1));
      ASSERT_TRUE(r.committed(second));
    }
    EXPECT_EQ(r.leader(), 1u);
    EXPECT_EQ(r.greatest_term(), term);
    EXPECT_TRUE(r.broken().empty());
  }
}

// Its append is a sign of life even where the logs differ: the leader counts the answer.
TEST(election_test, a_candidate_that_hears_of_its_leader_again_does_not_vote_for_itself) {
  int cases = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    auto o = nodes(3, seed);
    o.latency_max = ms(60);
    o.logs = {5, 4, 4};
    rehearsal r(o);
    if (settle(r) != 1) continue;
    ++cases;
    r.cut(1, 2), r.cut(1, 3);
    const auto stood = r.candidacies(2) + r.candidacies(3);
    ASSERT_TRUE(
        r.run_until([&] { return r.candidacies(2) + r.candidacies(3) > stood; }, 10 * timeout));
    r.heal();
    r.run_for(5 * timeout);
    ASSERT_TRUE(r.broken().empty()) << r.broken().front();
  }
  EXPECT_GT(cases, 50);
}

// -- a leader that is gone ------------------------------------------------------------------------

// Scenario 10: of three nodes two are left. One lease, one random part, and a few messages.
TEST(election_test, when_the_leader_is_cut_off_the_others_elect_soon) {
  with_seeds(3, 200, [](rehearsal& r) {
    const auto leader = settle(r);
    r.isolate(leader);
    const auto cut = r.clock();
    ASSERT_TRUE(r.run_until([&] { return r.leader() != leader && r.leader() != 0; }, 10 * timeout));
    ASSERT_LE(r.clock() - cut, 2 * timeout + ms(20));
    r.run_for(10 * timeout);
    ASSERT_FALSE(r.leads(leader)) << "it has given up";
  });
}

// Four nodes, of which two commit and three elect (Flexible Paxos).
TEST(election_test, where_two_commit_and_three_elect_two_keep_a_leader_but_elect_none) {
  for (auto mode : both_modes)
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed=" << seed);
      auto o = nodes(4, seed, mode);
      o.voters = *parse_quorum("read 3 write 2 of (1,2,3,4)");
      rehearsal r(o);
      const auto leader = settle(r);
      const uint64_t a = leader % 4 + 1, b = a % 4 + 1, c = b % 4 + 1;
      r.only({{leader, a}});
      r.run_for(30 * timeout);
      ASSERT_EQ(r.leader(), leader) << "one follower is enough";
      r.heal();
      r.run_for(2 * timeout);
      ASSERT_EQ(r.leader(), leader);

      r.only({{a, b}});
      r.run_for(30 * timeout);
      ASSERT_EQ(r.leader(), 0u);
      r.only({{a, b}, {b, c}, {a, c}});
      ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 10 * timeout));
      ASSERT_NE(r.leader(), leader);
      ASSERT_TRUE(r.broken().empty()) << r.broken().front();
    }
}

// Scenario 13: it sends and hears nothing.
TEST(election_test, a_deaf_leader_refuses_after_its_lease_and_the_others_elect) {
  with_seeds(3, 100, [](rehearsal& r) {
    const auto leader = settle(r);
    r.deafen(leader);
    const auto cut = r.clock();
    ASSERT_TRUE(r.run_until([&] { return r.leader() == 0; }, timeout));
    ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 10 * timeout));
    ASSERT_NE(r.leader(), leader);
    ASSERT_LE(r.clock() - cut, 6 * timeout);
  });
}

// Scenario 11: the old leader reaches only the bridge, which reaches all.
TEST(election_test, a_bridge_to_the_old_leader_does_not_keep_the_others_from_electing) {
  with_seeds(5, 100, [](rehearsal& r) {
    const auto leader = settle(r);
    std::vector<std::pair<uint64_t, uint64_t>> links;
    const uint64_t bridge = leader % 5 + 1, a = bridge % 5 + 1, b = a % 5 + 1;
    r.only({{leader, bridge}, {a, b}, {a, bridge}, {b, bridge}});
    ASSERT_TRUE(r.run_until([&] { return r.leader() != 0 && r.leader() != leader; }, 10 * timeout));
    r.run_for(10 * timeout);
    ASSERT_NE(r.leader(), 0u) << "and it stays";
    ASSERT_NE(r.leader(), leader);
  });
}

// Scenarios 2 and 5: what was promised outlives the process.
TEST(election_test, restarts_at_any_time_never_make_two_leaders) {
  with_seeds(3, 100, [](rehearsal& r) {
    for (int i = 0; i < 40; ++i) {
      r.run_for(ms(7 * (i % 13)));
      r.restart(1 + static_cast<uint64_t>(i * 7) % 3);
    }
    settle(r);
  });
}

// -- rivals ---------------------------------------------------------------------------------------

TEST(election_test, of_two_candidates_at_once_the_greater_node_wins) {
  for (uint64_t seed = 1; seed <= 200; ++seed)
    for (auto mode : both_modes) {
      SCOPED_TRACE(testing::Message() << "seed=" << seed);
      auto o = nodes(2, seed, mode);
      o.in_step = true;
      rehearsal r(o);
      ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 2 * timeout));
      ASSERT_EQ(r.elected(), std::vector{won(1, 2)}) << "in the first round, of the first term";
    }
}

TEST(election_test, rivals_do_not_stay_in_each_others_way) {
  for (uint64_t count = 2; count <= 7; ++count)
    with_seeds(count, 50, [](rehearsal& r) { settle(r); });
}

// Only node 1 can win: node 2 has less, and node 3 is gone.
TEST(election_test, a_greater_candidate_that_is_behind_does_not_stay_in_the_way_of_the_only_one) {
  for (auto mode : both_modes)
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed=" << seed);
      auto o = nodes(3, seed, mode);
      o.in_step = true;
      o.logs = {5, 4, 5};
      rehearsal r(o);
      r.isolate(3);
      ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 5 * timeout));
      ASSERT_EQ(r.leader(), 1u);
      ASSERT_TRUE(r.broken().empty()) << r.broken().front();
    }
}

// A lease that is over stays over, however often a candidate fails meanwhile.
TEST(election_test, survivors_that_stand_at_once_elect_in_that_round) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    auto o = nodes(3, seed);
    o.timing.election_timeout_max = o.timing.election_timeout_min;
    rehearsal r(o);
    const auto leader = settle(r);
    r.isolate(leader);
    const auto cut = r.clock();
    ASSERT_TRUE(r.run_until([&] { return r.leader() != leader && r.leader() != 0; }, 20 * timeout));
    // One lease, one random part (here none of it random), and a few messages.
    ASSERT_LE(r.clock() - cut, 2 * o.timing.election_timeout_min + ms(20));
    ASSERT_TRUE(r.broken().empty()) << r.broken().front();
  }
}

// Scenario 17.
void split_votes(uint64_t voters, vote_mode mode) {
  std::vector<duration> took;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    auto o = nodes(voters, seed, mode);
    o.in_step = true;
    rehearsal r(o);
    const auto start = r.clock();
    ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 50 * timeout)) << "seed=" << seed;
    ASSERT_TRUE(r.broken().empty()) << r.broken().front() << " seed=" << seed;
    took.push_back(r.clock() - start);
  }
  std::sort(took.begin(), took.end());
  EXPECT_LE(took[989], 5 * timeout) << "p99 of " << voters << " voters";
  EXPECT_LE(took[499], 2 * timeout) << "median of " << voters << " voters";
}

TEST(election_test, split_votes_of_even_clusters_end_within_few_timeouts) {
  for (uint64_t voters : {4u, 6u})
    for (auto mode : both_modes) ASSERT_NO_FATAL_FAILURE(split_votes(voters, mode));
}

// Node 4 was granted a vote by node 5 and then cut off: the leader meets that vote.
TEST(election_test, a_leader_that_is_outvoted_stands_again_in_place) {
  for (auto mode : both_modes)
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed=" << seed);
      rehearsal r(nodes(5, seed, mode));
      ASSERT_NO_FATAL_FAILURE(elect_first(r));
      r.only({{1, 2}, {1, 3}, {2, 3}, {4, 5}});
      r.run_for(2 * timeout);
      r.elect(4);
      const auto saves = r.saves(4) + r.saves(5);
      ASSERT_TRUE(r.run_until([&] { return r.saves(4) + r.saves(5) > saves; }, 10 * timeout));
      const auto terms = r.greatest_term();
      const auto leaderships = r.elected().size();
      r.run_for(ms(10));
      r.only({{1, 2}, {1, 3}, {2, 3}, {1, 5}, {2, 5}, {3, 5}});
      const auto met = r.clock();
      ASSERT_TRUE(r.run_until([&] { return r.elected().size() > leaderships; }, 10 * timeout));
      ASSERT_EQ(r.elected().back().leader.node, node_id(1)) << "the same leader";
      ASSERT_GT(r.elected().back().leader.in.value, terms - 1);
      ASSERT_LE(r.clock() - met, ms(50 + 4 * 5)) << "one heartbeat and one round of votes";
      r.run_for(10 * timeout);
      ASSERT_EQ(r.leader(), 1u);
      ASSERT_TRUE(r.broken().empty()) << r.broken().front();
    }
}

// -- all of it at random --------------------------------------------------------------------------

// Loss, repetition, cuts of any direction and restarts; then calm, and soon a leader that stays.
void storm(rehearsal& r, uint64_t count) {
  std::mt19937_64 weather(r.seed() * 10 + count);
  r.disturb(10);
  for (int i = 0; i < 60; ++i) {
    r.run_for(ms(static_cast<int64_t>(weather() % 400)));
    const auto a = 1 + weather() % count, b = 1 + weather() % count;
    switch (weather() % 6) {
      case 0:
        r.isolate(a);
        break;
      case 1:
        r.restart(a);
        break;
      case 2:
      case 3:
        r.cut(a, b);
        break;
      default:
        r.heal();
    }
  }
  r.heal();
  r.disturb(0);
  ASSERT_TRUE(r.run_until([&] { return r.leader() != 0; }, 10 * timeout));
  r.run_for(5 * timeout);
  const auto leader = r.leader();
  const auto won = r.elected().size();
  r.run_for(100 * timeout);
  ASSERT_EQ(r.leader(), leader);
  ASSERT_EQ(r.elected().size(), won);
}

TEST(election_test, there_is_never_more_than_one_leader_and_after_the_storm_there_is_one) {
  for (auto mode : both_modes)
    for (uint64_t seed = 1; seed <= 600; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed=" << seed);
      auto o = nodes(2 + seed % 4, seed, mode);
      // Every other time with logs of different length: some can never win.
      for (uint64_t id = 1; seed % 8 >= 4 && id <= o.nodes; ++id)
        o.logs.push_back(1 + id * seed % 3);
      rehearsal r(o);
      ASSERT_NO_FATAL_FAILURE(storm(r, o.nodes));
      ASSERT_TRUE(r.broken().empty()) << r.broken().front();
    }
}

}  // namespace
}  // namespace troupe::core
