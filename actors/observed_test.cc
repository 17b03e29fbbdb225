// Rules of the board, of conditions on it, and of extensions.
#include "actors/observed.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "actors/extensions.h"
#include "actors/raft_fixture.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

void apply_up_to(observed& board, uint64_t index) {
  board.post([&](metrics& m) { m.applied = log_index(index); });
}

// -- the board ------------------------------------------------------------------------------------

TEST(observed_test, a_post_is_seen_by_the_next_reader) {
  observed board(node_id(7));
  EXPECT_EQ(board.get().id, node_id(7));
  EXPECT_EQ(board.get().life, node_life::starting);
  apply_up_to(board, 3);
  EXPECT_EQ(board.get().applied, log_index(3));
}

TEST(observed_test, posts_wake_the_herald_only_where_somebody_waits) {
  observed board;
  int roused = 0;
  board.attend([&] { ++roused; });
  EXPECT_EQ(roused, 1);
  board.take();
  for (int i = 0; i < 100; ++i) apply_up_to(board, i);
  EXPECT_EQ(roused, 1);
  board.when({until::applied_at_least(log_index(1000)), 1s, [](waited) {}});
  EXPECT_EQ(roused, 2);
  // It is awake already.
  apply_up_to(board, 101);
  EXPECT_EQ(roused, 2);
  board.take();
  apply_up_to(board, 102);
  EXPECT_EQ(roused, 3);
  board.take();
  board.answered(1);
  apply_up_to(board, 103);
  EXPECT_EQ(roused, 3);
}

TEST(observed_test, a_change_of_leader_always_wakes_the_herald) {
  observed board;
  int roused = 0;
  board.attend([&] { ++roused; });
  board.take();
  board.post([](metrics& m) { m.leader = {term(1), node_id(2)}; });
  EXPECT_EQ(roused, 2);
  board.take();
  board.post([](metrics& m) { m.leader = {term(1), node_id(2)}; });
  EXPECT_EQ(roused, 2);
}

TEST(observed_test, the_first_failure_is_the_reason_and_the_end_keeps_it) {
  observed board;
  board.fail(raft_errc::storage_failed, "disk full");
  board.fail(raft_errc::machine_failed, "later");
  board.close();
  apply_up_to(board, 1);
  const auto m = board.get();
  EXPECT_EQ(m.life, node_life::failed);
  EXPECT_EQ(m.failure, raft_errc::storage_failed);
  EXPECT_EQ(m.failure_text, "disk full");
  EXPECT_EQ(m.applied, log_index(0));
}

TEST(observed_test, an_ended_node_leads_and_follows_nobody) {
  observed board;
  board.post([](metrics& m) {
    m.role = node_role::leader;
    m.leader = {term(1), node_id(1)};
    m.replication[node_id(2)] = {};
  });
  board.close();
  const auto m = board.get();
  EXPECT_EQ(m.life, node_life::stopped);
  EXPECT_EQ(m.role, node_role::follower);
  EXPECT_FALSE(m.leader);
  EXPECT_TRUE(m.replication.empty());
}

TEST(observed_test, members_are_awaited_whatever_their_data_directories) {
  metrics m;
  const std::map<node_id, core::member> wanted{{node_id(1), {"one", 0}}};
  auto registered = wanted;
  registered[node_id(1)].incarnation = 7;
  const auto quorum = core::quorum::majority({node_id(1)});
  m.members = core::membership({quorum}, registered);
  EXPECT_TRUE(until::members(core::membership({quorum}, wanted))(m));
  registered[node_id(1)].address = "elsewhere";
  EXPECT_FALSE(until::members(core::membership({quorum}, registered))(m));
}

TEST(observed_test, who_has_caught_up_has_something_and_lacks_no_more_than_is_allowed) {
  metrics m;
  const node_id learner(2);
  m.last.index = log_index(100);
  EXPECT_FALSE(until::caught_up(learner, 1000)(m)) << "where nobody is replicated to";
  m.replication[learner] = {};
  EXPECT_FALSE(until::caught_up(learner, 1000)(m)) << "what has nothing";
  m.replication[learner].matched = log_index(90);
  EXPECT_TRUE(until::caught_up(learner, 10)(m));
  EXPECT_FALSE(until::caught_up(learner, 9)(m));
}

TEST(observed_test, every_role_life_and_end_of_a_wait_has_a_name) {
  for (auto r : {node_role::learner, node_role::follower, node_role::candidate, node_role::leader,
                 node_role::outsider})
    EXPECT_NE(to_string(r), "unknown role");
  for (auto l : {node_life::starting, node_life::running, node_life::stopping, node_life::stopped,
                 node_life::failed})
    EXPECT_NE(to_string(l), "unknown state");
  for (auto w : {waited::ok, waited::timed_out, waited::shutting_down, waited::busy})
    EXPECT_NE(to_string(w), "unknown");
  for (int c = 0; c <= static_cast<int>(last_raft_errc); ++c)
    EXPECT_NE(to_string(static_cast<raft_errc>(c)), "unknown error") << c;
}

TEST(observed_test, waits_are_bounded_and_those_that_are_answered_make_room) {
  observed board;
  std::vector<waited> ends;
  const auto wait = [&] {
    board.when({until::running(), 1s, [&](waited how) { ends.push_back(how); }});
  };
  for (size_t i = 0; i < observed::most_waits; ++i) wait();
  EXPECT_TRUE(ends.empty());
  wait();
  EXPECT_EQ(ends, std::vector{waited::busy});
  EXPECT_EQ(board.take().waits.size(), observed::most_waits);
  wait();
  EXPECT_EQ(ends.size(), 2u) << "the herald still holds them";
  board.answered(1);
  wait();
  EXPECT_EQ(ends.size(), 2u);
  wait();
  EXPECT_EQ(ends, std::vector(3, waited::busy));
}

TEST(observed_test, listeners_are_bounded_and_told_why_nobody_will_call_them) {
  observed board;
  const auto listen = [&] { return board.follow([](const metrics&) {}); };
  for (size_t i = 0; i < observed::most_listeners; ++i) ASSERT_EQ(listen(), raft_errc::none);
  EXPECT_EQ(listen(), raft_errc::busy);
  board.take();
  EXPECT_EQ(listen(), raft_errc::busy) << "the herald has them";
  board.close();
  EXPECT_EQ(listen(), raft_errc::shutting_down);
}

// -- conditions -----------------------------------------------------------------------------------

metrics some_metrics() {
  metrics m;
  m.life = node_life::running;
  m.role = node_role::leader;
  m.vote = {{term(3), node_id(2)}, true};
  m.leader = m.vote.leader;
  m.last = {m.leader, log_index(9)};
  m.found = log_index(7);
  m.cluster_committed = log_index(10), m.committed = log_index(8), m.applied = log_index(7);
  m.snapshot = log_index(5), m.purged = log_index(4);
  m.members = members_of({1, 2, 3});
  m.quorum_acked = instant(5s);
  return m;
}

TEST(until_test, conditions_hold_for_what_they_name_and_for_nothing_else) {
  const auto m = some_metrics();
  const auto others = members_of({1, 2, 4});
  EXPECT_TRUE(until::leader_known()(m));
  EXPECT_FALSE(until::leader_known()(metrics()));
  EXPECT_TRUE(until::current_leader(node_id(2))(m));
  EXPECT_FALSE(until::current_leader(node_id(1))(m));
  EXPECT_TRUE(until::role(node_role::leader)(m));
  EXPECT_FALSE(until::role(node_role::follower)(m));
  EXPECT_TRUE(until::vote(m.vote)(m));
  EXPECT_FALSE(until::vote({m.vote.leader, false})(m));
  EXPECT_TRUE(until::quorum_acked(instant(5s))(m));
  EXPECT_FALSE(until::quorum_acked(instant(6s))(m));
  EXPECT_TRUE(until::members(m.members)(m));
  EXPECT_FALSE(until::members(others)(m));
  EXPECT_TRUE(until::voters(m.members.voters())(m));
  EXPECT_FALSE(until::voters(others.voters())(m));
  EXPECT_TRUE(until::running()(m));
  EXPECT_FALSE(until::running()(metrics()));
}

TEST(until_test, positions_are_reached_exactly_or_at_least) {
  const auto m = some_metrics();
  using make = condition (*)(log_index);
  const std::vector<std::tuple<make, make, uint64_t>> all{
      {until::last, until::last_at_least, 9},
      {until::cluster_committed, until::cluster_committed_at_least, 10},
      {until::committed, until::committed_at_least, 8},
      {until::applied, until::applied_at_least, 7},
      {until::snapshot, until::snapshot_at_least, 5},
      {until::purged, until::purged_at_least, 4}};
  for (const auto& [exactly, at_least, at] : all) {
    EXPECT_TRUE(exactly(log_index(at))(m)) << at;
    EXPECT_FALSE(exactly(log_index(at - 1))(m)) << at;
    EXPECT_TRUE(at_least(log_index(at - 1))(m)) << at;
    EXPECT_TRUE(at_least(log_index(at))(m)) << at;
    EXPECT_FALSE(at_least(log_index(at + 1))(m)) << at;
  }
}

TEST(until_test, a_node_has_recovered_when_all_that_it_found_is_applied_again) {
  auto m = some_metrics();
  EXPECT_TRUE(until::recovered()(m));
  m.applied = log_index(6);
  EXPECT_FALSE(until::recovered()(m));
  m = some_metrics();
  m.committed = log_index(6);
  EXPECT_FALSE(until::recovered()(m));
  EXPECT_FALSE(until::recovered()(metrics()));  // still starting
}

// -- extensions -----------------------------------------------------------------------------------

struct inner {
  std::atomic<int> n = 0;
};
struct outer {
  static inline std::atomic<int> made = 0;
  outer() { ++made; }
};

TEST(extensions_test, each_type_has_one_object_that_is_made_once) {
  extensions all;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        all.get<outer>();
        ++all.get<inner>().n;
      });
  }
  EXPECT_EQ(outer::made, 1);
  EXPECT_EQ(all.get<inner>().n, 8);
}

}  // namespace
}  // namespace troupe
