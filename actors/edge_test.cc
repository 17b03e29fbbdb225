// Rules of the edge, with a server of the test's own: in virtual time.
#include "actors/edge.h"

#include <deque>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// Tells no commit. Answers each write with `results` results at 7, each read with 9, both after a
// second.
caf::behavior server(caf::event_based_actor* self, int results,
                     std::shared_ptr<std::vector<duration>> proposals) {
  const auto due = std::make_shared<std::deque<std::function<void()>>>();
  const auto late = [=](request_id id, log_index at, const frames& with) {
    auto promise = self->make_response_promise();
    due->push_back([=]() mutable { promise.deliver(outcome{id, raft_errc::none, {}, at, with}); });
    self->delayed_send(self, 1s, tick{});
    return promise;
  };
  return {
      [=](const propose& m) {
        proposals->push_back(m.patience);
        return late(m.id, log_index(7), commands(results));
      },
      [=](const read& m) { return late(m.id, log_index(9), {}); },
      [=](const tick&) {
        due->front()();
        due->pop_front();
      },
  };
}

class edge_test : public virtual_raft_test {
 protected:
  raft node_of(int results) {
    const auto fake = system_.spawn(server, results, proposals_);
    const auto to = caf::actor_cast<server_actor>(fake);
    const auto edge =
        system_.spawn(edge_behavior, edge_options{inputs_, to, node_id(1), board_, {fake}});
    const auto herald = system_.spawn(herald_behavior, board_, std::vector<caf::actor>{fake});
    return raft({&system_, node_id(1), {}, to, {}, {}, edge, herald, inputs_, board_});
  }

  std::shared_ptr<intakes> inputs_ = std::make_shared<intakes>();
  std::shared_ptr<observed> board_ = std::make_shared<observed>();
  // How long each is waited for.
  std::shared_ptr<std::vector<duration>> proposals_ = std::make_shared<std::vector<duration>>();
};

TEST_F(edge_test, a_commit_that_nobody_told_of_is_told_with_the_outcome) {
  auto node = node_of(2);
  std::string told;
  const auto add = [&](char what) {
    return [&told, what](const log_id& i) { told += what + std::to_string(i.index.value) + " "; };
  };
  node.write("a", {.on_commit = add('a')});
  auto last = node.write("b", {.on_commit = add('b')});
  EXPECT_EQ(got(std::move(last)).index, log_index(7));
  EXPECT_EQ(told, "a6 b7 ");
}

TEST_F(edge_test, a_write_says_how_long_it_is_waited_for) {
  auto node = node_of(1);
  got(node.write("a", {.deadline = 20min}));
  EXPECT_EQ(*proposals_, std::vector<duration>{20min});
}

TEST_F(edge_test, an_answer_that_does_not_fit_is_unknown) {
  auto node = node_of(3);
  auto first = node.write("a");
  EXPECT_EQ(got(node.write("b")).code, raft_errc::outcome_unknown);
  EXPECT_EQ(got(std::move(first)).code, raft_errc::outcome_unknown);
}

TEST_F(edge_test, few_messages_are_under_way_and_the_next_one_grows) {
  auto node = node_of(1);
  std::vector<std::future<reply>> sent;
  for (int i = 0; i < 10; ++i) {
    sent.push_back(node.write("add"));
    run();
  }
  EXPECT_EQ(proposals_->size(), 4u);
  got(std::move(sent.front()));
  run();
  EXPECT_EQ(proposals_->size(), 5u) << "all that waited is one message";
}

TEST_F(edge_test, the_deadline_of_ensure_linearizable_is_for_both_of_its_steps) {
  auto node = node_of(1);
  const auto begin = now();
  EXPECT_EQ(got(node.ensure_linearizable(3s)).code, raft_errc::outcome_unknown);
  EXPECT_EQ(now(), begin + 3s);
  auto waiting = node.ensure_linearizable(3s);
  board_->post([](metrics& m) { m.applied = log_index(9); });
  EXPECT_EQ(got(std::move(waiting)).value, log_index(9));
}

}  // namespace
}  // namespace troupe
