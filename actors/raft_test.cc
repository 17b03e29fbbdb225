// Rules of the handle troupe::raft: real scheduler, nodes of one process, logs in memory.
#include "actors/raft.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

// -- one node -------------------------------------------------------------------------------------

TEST_F(raft_test, a_write_is_applied_once_and_a_read_sees_it) {
  start_cluster(1, members_of({1}));
  const auto first = got(nodes_[0].write("add"));
  EXPECT_TRUE(first.ok()) << to_string(first.code);
  EXPECT_EQ(first.result, "1");
  const auto many = got(nodes_[0].write_many(commands(100)));
  ASSERT_EQ(many.code, raft_errc::none);
  ASSERT_EQ(many.results.size(), 100u);
  int expected = 2;
  for (auto result : many.results) EXPECT_EQ(result, std::to_string(expected++));
  EXPECT_GT(many.index, first.index);
  EXPECT_EQ(got(nodes_[0].read("")).result, "101");
}

TEST_F(raft_test, a_status_tells_who_leads_and_what_is_applied) {
  start_cluster(1, members_of({1}));
  const auto index = got(nodes_[0].write("add")).index;
  const auto answer = got(nodes_[0].status());
  ASSERT_TRUE(answer.ok());
  const auto& s = answer.value;
  EXPECT_EQ(s.id, node_id(1));
  EXPECT_EQ(s.role, "leader");
  EXPECT_EQ(s.leader, node_id(1));
  EXPECT_GE(s.applied, index);
  EXPECT_GE(s.committed, s.applied);
  EXPECT_EQ(s.members, members_of({1}));
}

TEST_F(raft_test, a_node_without_a_cluster_is_not_leader) {
  start(1);
  EXPECT_EQ(got(nodes_[0].write("add")).code, raft_errc::not_leader);
  EXPECT_EQ(got(nodes_[0].read("")).code, raft_errc::not_leader);
}

TEST_F(raft_test, initialize_is_idempotent_and_refuses_another_membership) {
  start_cluster(1, members_of({1}));
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1, 2}))), raft_errc::not_allowed);
}

TEST_F(raft_test, initialize_is_invalid_for_members_without_this_node_or_quorum) {
  start(1);
  EXPECT_EQ(got(nodes_[0].initialize(members_of({2, 3}))), raft_errc::invalid);
  EXPECT_EQ(got(nodes_[0].initialize({})), raft_errc::invalid);
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
}

TEST_F(raft_test, each_callback_of_many_threads_is_called_once_and_results_keep_their_order) {
  start_cluster(1, members_of({1}));
  constexpr int writers = 4, each = 250;
  std::array<std::array<std::atomic<int>, each>, writers> calls{};
  std::array<std::array<std::atomic<uint64_t>, each>, writers> results{};
  std::atomic<int> left{writers * each};
  std::promise<void> all;
  const auto write = [&](int t) {
    for (int i = 0; i < each; ++i)
      nodes_[0].write("add", [&, t, i](const answer& a) {
        ++calls[t][i];
        results[t][i] = a.result.empty() ? 0 : std::stoull(std::string(a.result));
        if (--left == 0) all.set_value();
      });
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < writers; ++t) threads.emplace_back(write, t);
  }
  ASSERT_EQ(all.get_future().wait_for(patience), std::future_status::ready);
  for (int t = 0; t < writers; ++t)
    for (int i = 0; i < each; ++i) {
      ASSERT_EQ(calls[t][i], 1);
      ASSERT_GT(results[t][i].load(), i == 0 ? 0 : results[t][i - 1].load());
    }
  EXPECT_EQ(got(nodes_[0].read("")).result, "1000");
}

// -- the end --------------------------------------------------------------------------------------

TEST_F(raft_test, after_a_shutdown_every_call_is_answered) {
  start_cluster(1, members_of({1}));
  nodes_[0].shutdown();
  nodes_[0].shutdown();
  EXPECT_EQ(got(nodes_[0].write("add")).code, raft_errc::shutting_down);
  EXPECT_EQ(got(nodes_[0].read("")).code, raft_errc::shutting_down);
  EXPECT_NE(got(nodes_[0].write_many(commands(2))).code, raft_errc::none);
  EXPECT_NE(got(nodes_[0].initialize(members_of({1}))), raft_errc::none);
  EXPECT_EQ(got(nodes_[0].status()).code, raft_errc::shutting_down);
  EXPECT_EQ(got(nodes_[0].initialize(members_of({1}))), raft_errc::shutting_down);
}

// The other node is gone, so nothing can be committed and all of these wait.
TEST_F(raft_test, a_shutdown_answers_all_that_waits) {
  start_cluster(2, members_of({1, 2}));
  const size_t leader = leader_at();
  nodes_[1 - leader].shutdown();
  auto& node = nodes_[leader];
  std::vector<std::future<reply>> writes, reads;
  for (int i = 0; i < 50; ++i) {
    writes.push_back(node.write("add"));
    reads.push_back(node.read(""));
  }
  auto many = node.write_many(commands(3));
  node.shutdown();
  for (auto& w : writes) EXPECT_FALSE(got(std::move(w)).ok());
  for (auto& r : reads) EXPECT_FALSE(got(std::move(r)).ok());
  EXPECT_NE(got(std::move(many)).code, raft_errc::none);
}

TEST_F(raft_test, a_shutdown_under_load_loses_no_callback) {
  start_cluster(1, members_of({1}));
  std::atomic<int> sent = 0, answered = 0;
  std::atomic<bool> stop = false;
  std::promise<void> running;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        while (!stop) {
          if (++sent == 2000) running.set_value();
          nodes_[0].write("add", [&](const answer&) { ++answered; });
        }
      });
    EXPECT_EQ(running.get_future().wait_for(patience), std::future_status::ready);
    nodes_[0].shutdown();
    stop = true;
  }
  // The edge has ended, and with it all that it held.
  EXPECT_EQ(answered, sent);
}

// -- three nodes ----------------------------------------------------------------------------------

TEST_F(raft_test, writes_through_a_follower_are_forwarded_in_order) {
  start_cluster(3, members_of({1, 2, 3}));
  auto& follower = a_follower();
  std::vector<std::future<reply>> sent;
  for (int i = 0; i < 200; ++i) sent.push_back(follower.write("add"));
  for (int i = 0; i < 200; ++i) {
    const auto r = got(std::move(sent[i]));
    ASSERT_TRUE(r.ok()) << to_string(r.code);
    EXPECT_EQ(r.result, std::to_string(i + 1));
  }
  const auto many = got(follower.write_many(commands(3)));
  ASSERT_EQ(many.code, raft_errc::none);
  EXPECT_EQ(*many.results.begin(), "201");
  EXPECT_EQ(got(follower.read("")).result, "203");
}

// -- actors ---------------------------------------------------------------------------------------

using outcome_taker = caf::typed_actor<caf::reacts_to<outcome>>;

outcome_taker::behavior_type typed_client(outcome_taker::pointer self, server_actor to,
                                          std::shared_ptr<std::promise<outcome>> done) {
  self->send(to, propose{request_id(7), commands(2)});
  return {[=](const outcome& o) {
    EXPECT_FALSE(self->current_message_id().is_response());
    done->set_value(o);
    self->quit();
  }};
}

caf::behavior untyped_client(caf::event_based_actor* self, server_actor to,
                             std::shared_ptr<std::promise<outcome>> done) {
  self->send(to, propose{request_id(8), commands(2)});
  return {[=](const outcome& o) {
    done->set_value(o);
    self->quit();
  }};
}

TEST_F(raft_test, a_plain_proposal_of_an_actor_is_answered_by_a_plain_outcome) {
  start_cluster(3, members_of({1, 2, 3}));
  for (auto& node : nodes_) {
    const auto typed = std::make_shared<std::promise<outcome>>();
    system_.spawn(typed_client, node.server(), typed);
    const auto o = got(typed->get_future());
    EXPECT_EQ(o.id, request_id(7));
    EXPECT_EQ(o.code, raft_errc::none);
    EXPECT_EQ(o.results.size(), 2u);
    const auto untyped = std::make_shared<std::promise<outcome>>();
    system_.spawn(untyped_client, node.server(), untyped);
    EXPECT_EQ(got(untyped->get_future()).id, request_id(8));
  }
}

TEST_F(raft_test, a_plain_proposal_without_a_cluster_is_refused_by_a_plain_outcome) {
  start(1);
  const auto done = std::make_shared<std::promise<outcome>>();
  system_.spawn(typed_client, nodes_[0].server(), done);
  EXPECT_EQ(got(done->get_future()).code, raft_errc::not_leader);
}

}  // namespace
}  // namespace troupe
