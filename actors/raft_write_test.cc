// Rules of how a program writes and reads with the handle: nodes of one process, real threads, but
// virtual time where a deadline matters.
#include <atomic>
#include <mutex>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// What happened to some writes, in the order in which it did.
class record {
 public:
  void add(std::string what) {
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
  }
  std::vector<std::string> all() {
    std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> all_;
};

std::string at(const char* what, const log_id& i) {
  std::ostringstream out;
  out << what << i;
  return out.str();
}

// -- where it stands ------------------------------------------------------------------------------

TEST_F(raft_test, who_writes_is_told_the_log_id) {
  start_cluster(3, members_of({1, 2, 3}));
  const auto leads = the_leader().metrics().leader;
  for (auto& node : nodes_) {
    const auto one = got(node.write("add"));
    EXPECT_EQ(one.at(), (log_id{leads, one.index}));
    EXPECT_EQ(got(node.write_many(commands(2))).under, leads);
    EXPECT_EQ(got(node.write_blank()).under, leads);
    EXPECT_FALSE(got(node.read("")).under) << "nothing was written";
  }
}

// -- fencing --------------------------------------------------------------------------------------

TEST_F(raft_test, a_write_under_another_leadership_is_refused) {
  start_cluster(3, members_of({1, 2, 3}));
  const auto now = the_leader().metrics().leader;
  for (auto& node : nodes_) {
    EXPECT_TRUE(got(node.write("add", {.only_under = now})).ok());
    const leader_id later{now.in.next(), now.node}, other{now.in, node_id(9)};
    for (const auto& wrong : {later, other}) {
      const auto refused = got(node.write("add", {.only_under = wrong}));
      EXPECT_EQ(refused.code, raft_errc::not_leader);
      EXPECT_EQ(refused.leader, now.node) << "who leads now";
      EXPECT_EQ(got(node.write_many(commands(2), {.only_under = wrong})).code,
                raft_errc::not_leader);
    }
  }
  EXPECT_EQ(got(nodes_[0].read("")).result, "3");
}

TEST_F(raft_test, fenced_and_other_writes_of_one_thread_keep_their_order) {
  start_cluster(1, members_of({1}));
  const auto now = the_leader().metrics().leader;
  std::vector<std::future<reply>> sent;
  for (int i = 0; i < 300; ++i)
    sent.push_back(nodes_[0].write("add", {.only_under = i % 3 == 0 ? now : leader_id{}}));
  log_index last;
  for (int i = 0; i < 300; ++i) {
    const auto r = got(std::move(sent[i]));
    ASSERT_TRUE(r.ok());
    EXPECT_EQ(r.result, std::to_string(i + 1));
    EXPECT_GT(r.index, last) << "each has its own place in the log";
    last = r.index;
  }
}

// -- notice of the commit -------------------------------------------------------------------------

TEST_F(raft_test, a_commit_is_told_before_the_result_with_the_same_log_id) {
  start_cluster(3, members_of({1, 2, 3}));
  for (auto& node : nodes_) {
    constexpr int writes = 50;
    std::array<record, writes> told;
    std::atomic<int> left = writes;
    std::promise<void> all;
    for (int i = 0; i < writes; ++i) {
      write_options how;
      if (i % 2 == 0)
        how.on_commit = [&told, i](const log_id& c) { told[i].add(at("commit ", c)); };
      node.write(
          "add",
          [&told, &left, &all, i](const answer& a) {
            told[i].add(at("done ", {a.under, a.index}));
            if (--left == 0) all.set_value();
          },
          std::move(how));
    }
    ASSERT_EQ(all.get_future().wait_for(patience), std::future_status::ready);
    for (int i = 0; i < writes; ++i) {
      const auto events = told[i].all();
      ASSERT_EQ(events.size(), i % 2 == 0 ? 2u : 1u);
      const auto id = events.back().substr(5);
      if (i % 2 == 0) {
        EXPECT_EQ(events[0], "commit " + id);
      }
    }
  }
}

using news_taker = caf::typed_actor<caf::reacts_to<outcome>, caf::reacts_to<committed>>;

news_taker::behavior_type curious_client(news_taker::pointer self, server_actor to,
                                         std::shared_ptr<record> told,
                                         std::shared_ptr<std::promise<void>> done) {
  propose m{request_id(7), commands(3)};
  m.notify_commit = true;
  self->send(to, std::move(m));
  return {[=](const outcome& o) {
            told->add(at("done ", {o.under, o.index}));
            done->set_value();
            self->quit();
          },
          [=](const committed& c) { told->add(at("commit ", c.at)); }};
}

TEST_F(raft_test, an_actor_hears_of_the_commit_in_a_message_of_its_own) {
  start_cluster(1, members_of({1}));
  const auto told = std::make_shared<record>();
  const auto done = std::make_shared<std::promise<void>>();
  system_.spawn(curious_client, nodes_[0].server(), told, done);
  got(done->get_future());
  const auto last = nodes_[0].metrics().last;
  EXPECT_EQ(told->all(), (std::vector{at("commit ", last), at("done ", last)}));
}

// -- ways to write --------------------------------------------------------------------------------

TEST_F(raft_test, what_nobody_waits_for_is_written_all_the_same) {
  start_cluster(1, members_of({1}));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(nodes_[0].write_and_forget("add"), raft_errc::none);
  EXPECT_EQ(got(nodes_[0].write("add")).result, "11");
  EXPECT_EQ(nodes_[0].write_and_forget(std::string(33 << 20, 'x')), raft_errc::too_large);
  nodes_[0].shutdown();
  EXPECT_EQ(nodes_[0].write_and_forget("add"), raft_errc::shutting_down);
}

TEST_F(raft_test, a_barrier_is_done_when_all_before_it_is_applied) {
  start_cluster(3, members_of({1, 2, 3}));
  for (auto& node : nodes_) {
    auto before = node.write_many(commands(20));
    const auto barrier = got(node.write_blank());
    EXPECT_EQ(barrier.code, raft_errc::none);
    EXPECT_TRUE(barrier.results.empty());
    ASSERT_EQ(before.wait_for(0s), std::future_status::ready);
    EXPECT_LE(before.get().index, barrier.index);
  }
  EXPECT_EQ(got(nodes_[0].read("")).result, "60");
}

TEST_F(raft_test, write_many_calls_of_many_threads_keep_their_results_apart) {
  start_cluster(3, members_of({1, 2, 3}));
  auto& node = a_follower();
  std::vector<std::future<outcome>> sent;
  for (int i = 1; i <= 40; ++i) sent.push_back(node.write_many(commands(i)));
  uint64_t count = 0;
  for (int i = 1; i <= 40; ++i) {
    const auto o = got(std::move(sent[i - 1]));
    ASSERT_EQ(o.code, raft_errc::none);
    ASSERT_EQ(o.results.size(), static_cast<uint32_t>(i));
    for (auto r : o.results) EXPECT_EQ(r, std::to_string(++count));
  }
}

// The other node is gone, so nothing is committed.
TEST_F(virtual_raft_test, after_its_deadline_the_outcome_of_a_write_is_unknown) {
  start(2, members_of({1, 2}));
  ASSERT_EQ(got(nodes_[0].wait(until::leader_known(), 10s)), waited::ok);
  const size_t at = leader() == &nodes_[0] ? 0 : 1;
  nodes_[1 - at].stop();
  run();
  const auto begin = now();
  const auto one = nodes_[at].write("add", {.deadline = 20ms});
  const auto many = got(nodes_[at].write_many(commands(2), {.deadline = 50ms}));
  EXPECT_EQ(now(), begin + 50ms);
  EXPECT_EQ(many.code, raft_errc::outcome_unknown);
  EXPECT_EQ(one.wait_for(0s), std::future_status::ready);
}

// -- reads ----------------------------------------------------------------------------------------

TEST_F(raft_test, after_ensure_linearizable_the_own_machine_has_all_that_was_acknowledged) {
  start_cluster(3, members_of({1, 2, 3}));
  uint64_t written = 0;
  for (int round = 0; round < 20; ++round)
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(got(nodes_[(i + round) % 3].write("add")).ok());
      ++written;
      auto& reader = nodes_[i];
      const auto index = got(reader.ensure_linearizable());
      ASSERT_TRUE(index.ok()) << to_string(index.code);
      uint64_t seen = 0;
      const auto looked = reader.with_state_machine(
          [&](const machine& m) { seen = dynamic_cast<const counter&>(m).count(); });
      ASSERT_EQ(looked.wait_for(patience), std::future_status::ready);
      EXPECT_EQ(seen, written);
      EXPECT_GE(reader.metrics().applied, index.value);
    }
}

TEST_F(raft_test, ensure_linearizable_fails_where_nobody_leads) {
  start(1);
  EXPECT_EQ(got(nodes_[0].ensure_linearizable()).code, raft_errc::not_leader);
  nodes_[0].shutdown();
  EXPECT_EQ(got(nodes_[0].ensure_linearizable()).code, raft_errc::shutting_down);
}

TEST_F(raft_test, a_stale_read_asks_nobody) {
  start(1);
  EXPECT_EQ(got(nodes_[0].read("", read_mode::stale)).result, "0");
  EXPECT_EQ(got(nodes_[0].read("")).code, raft_errc::not_leader);
}

TEST_F(raft_test, a_look_at_the_machine_that_throws_harms_nobody) {
  start_cluster(1, members_of({1}));
  const auto throws = [](const machine&) { throw std::runtime_error("mine"); };
  EXPECT_EQ(got(nodes_[0].with_state_machine(throws)), raft_errc::machine_failed);
  EXPECT_TRUE(got(nodes_[0].write("add")).ok());
  nodes_[0].shutdown();
  EXPECT_EQ(got(nodes_[0].with_state_machine(throws)), raft_errc::shutting_down);
}

// -- machines that fail ---------------------------------------------------------------------------

void expect_failed(raft& node, const std::string& why) {
  const auto ended = [](const metrics& m) { return m.life == node_life::failed && !m.leader; };
  EXPECT_EQ(got(node.wait(ended, patience)), waited::ok);
  const auto m = node.metrics();
  EXPECT_EQ(m.failure, raft_errc::machine_failed);
  EXPECT_EQ(m.failure_text, why);
  node.shutdown();
  EXPECT_EQ(got(node.write("add")).code, raft_errc::machine_failed);
  EXPECT_EQ(got(node.status()).code, raft_errc::machine_failed);
}

TEST_F(raft_test, a_machine_that_throws_ends_its_node_in_order_and_says_why) {
  start_cluster(1, members_of({1}));
  ASSERT_TRUE(got(nodes_[0].write("add")).ok());
  auto before = nodes_[0].write("add");
  auto poison = nodes_[0].write_many([] {
    frames f;
    f.add("poison");
    return f;
  }());
  auto after = nodes_[0].write("add");
  EXPECT_EQ(got(std::move(poison)).code, raft_errc::outcome_unknown);
  EXPECT_TRUE(got(std::move(before)).ok());
  EXPECT_FALSE(got(std::move(after)).ok());
  expect_failed(nodes_[0], "cannot bear it");
}

TEST_F(raft_test, a_machine_that_owes_a_result_ends_its_node) {
  start_cluster(1, members_of({1}));
  EXPECT_EQ(got(nodes_[0].write("mute")).code, raft_errc::outcome_unknown);
  expect_failed(nodes_[0], "gave 0 results where 1 were due");
}

TEST_F(raft_test, a_query_that_throws_ends_the_node_as_well) {
  start_cluster(1, members_of({1}));
  EXPECT_EQ(got(nodes_[0].read("poison")).code, raft_errc::machine_failed);
  expect_failed(nodes_[0], "an exception that is no std::exception");
}

// -- the end --------------------------------------------------------------------------------------

// Notes that the node's machine is gone, and so its actors.
struct farewell final : machine {
  explicit farewell(std::promise<void>& p) : gone(p) {}
  ~farewell() override { gone.set_value(); }
  void apply(log_index, frames_view commands, frames& results) override {
    for (uint32_t i = 0; i < commands.size(); ++i) results.add({});
  }
  void query(std::string_view, frames& results) override { results.add({}); }
  std::promise<void>& gone;
};

raft start_with(caf::actor_system& system, const std::shared_ptr<in_process_network>& network,
                std::promise<void>& gone) {
  auto o = options_of(node_id(1), network);
  o.genesis = members_of({1});
  o.machine = std::make_shared<farewell>(gone);
  return *start_node(system, std::move(o));
}

TEST_F(raft_test, the_last_handle_ends_its_node) {
  std::promise<void> gone;
  auto ended = gone.get_future();
  {
    auto node = start_with(system_, network_, gone);
    const auto copy = node;
    EXPECT_EQ(got(node.wait(until::leader_known(), patience)), waited::ok);
  }
  got(std::move(ended));
}

TEST_F(raft_test, the_last_handle_may_be_dropped_in_a_callback) {
  std::promise<void> gone;
  auto ended = gone.get_future();
  std::promise<void> dropped;
  {
    auto node = std::make_shared<raft>(start_with(system_, network_, gone));
    ASSERT_EQ(got(node->wait(until::leader_known(), patience)), waited::ok);
    auto& writer = *node;
    writer.write("add", [node = std::move(node), &dropped](const answer&) mutable {
      node.reset();
      dropped.set_value();
    });
  }
  got(dropped.get_future());
  got(std::move(ended));
}

TEST_F(raft_test, a_wait_is_answered_when_the_last_handle_goes) {
  std::promise<void> gone;
  auto ended = gone.get_future();
  std::future<waited> waiting;
  {
    const auto node = start_with(system_, network_, gone);
    waiting = node.wait(until::applied_at_least(log_index(1000)), patience);
  }
  EXPECT_EQ(got(std::move(waiting)), waited::shutting_down);
  got(std::move(ended));
}

TEST_F(raft_test, extensions_are_shared_by_all_copies_of_a_handle) {
  start(1);
  auto copy = nodes_[0];
  nodes_[0].extension<std::atomic<int>>() = 5;
  EXPECT_EQ(copy.extension<std::atomic<int>>(), 5);
}

}  // namespace
}  // namespace troupe
