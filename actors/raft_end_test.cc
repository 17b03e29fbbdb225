// Rules of what becomes of that which is under way when a node hangs or ends: real scheduler, a
// machine that can be held up.
#include <atomic>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/sec.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// Where somebody waits until the test lets it go.
class gate {
 public:
  void pass() {
    reached_.set_value();
    opened_.wait();
  }
  void wait_until_reached() { reached_.get_future().wait(); }
  void open() {
    if (!std::exchange(is_open_, true)) open_.set_value();
  }

 private:
  bool is_open_ = false;
  std::promise<void> reached_, open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

// Passes the gate at "hang", and throws afterwards at "hang and throw".
class held_up final : public machine {
 public:
  explicit held_up(gate& at) : gate_(at) {}
  void apply(log_index, frames_view commands, frames& results) override {
    for (auto c : commands) {
      if (c.starts_with("hang")) gate_.pass();
      if (c == "hang and throw") throw std::runtime_error("had enough");
      results.add("done");
    }
  }
  void query(std::string_view, frames& results) override { results.add("seen"); }

 private:
  gate& gate_;
};

class raft_end_test : public raft_test {
 protected:
  void start_led() {
    auto o = options_of(node_id(1), network_);
    o.genesis = members_of({1});
    o.machine = std::make_shared<held_up>(gate_);
    nodes_.push_back(*start_node(system_, std::move(o)));
    network_->add(nodes_.back());
    const auto leads = [](const metrics& m) {
      return m.role == node_role::leader && m.applied == m.last.index && m.applied > log_index(1);
    };
    ASSERT_EQ(got(nodes_[0].wait(leads, patience)), waited::ok);
  }
  // From now on the machine comes to nothing, until the gate is opened.
  std::future<reply> hang(std::string_view how = "hang") {
    auto hanging = node().write(how);
    gate_.wait_until_reached();
    return hanging;
  }
  raft& node() { return nodes_[0]; }
  void TearDown() override {
    gate_.open();
    raft_test::TearDown();
  }

  gate gate_;
};

// -- a machine that hangs -------------------------------------------------------------------------

TEST_F(raft_end_test, a_status_tells_of_a_node_whose_machine_hangs) {
  start_led();
  auto hanging = hang();
  const auto s = got(node().status());
  ASSERT_TRUE(s.ok()) << to_string(s.code);
  EXPECT_EQ(s.value.applied.next(), s.value.committed);
  gate_.open();
  EXPECT_TRUE(got(std::move(hanging)).ok());
}

TEST_F(raft_end_test, callers_choose_how_long_they_wait_for_a_machine_that_hangs) {
  start_led();
  auto hanging = hang();
  EXPECT_EQ(got(node().write("add", {.deadline = 1ms})).code, raft_errc::outcome_unknown);
  EXPECT_EQ(got(node().read("", read_mode::stale, 1ms)).code, raft_errc::outcome_unknown);
  EXPECT_EQ(got(node().ensure_linearizable(1ms)).code, raft_errc::outcome_unknown);
  EXPECT_EQ(got(node().status(1ms)).code, raft_errc::outcome_unknown);
  gate_.open();
  EXPECT_TRUE(got(std::move(hanging)).ok());
}

TEST_F(raft_end_test, a_look_at_a_machine_that_hangs_is_given_up_and_never_run) {
  start_led();
  auto hanging = hang();
  bool looked = false;
  const auto look = [&](const machine&) { looked = true; };
  EXPECT_EQ(got(node().with_state_machine(look, 1ms)), raft_errc::busy);
  gate_.open();
  EXPECT_TRUE(got(std::move(hanging)).ok());
  EXPECT_EQ(got(node().with_state_machine([](const machine&) {})), raft_errc::none);
  EXPECT_FALSE(looked);
}

TEST_F(raft_end_test, a_shutdown_may_be_waited_for_in_vain) {
  start_led();
  auto hanging = hang();
  EXPECT_FALSE(node().shutdown(1ms));
  const auto stopping = [](const metrics& m) { return m.life == node_life::stopping; };
  EXPECT_EQ(got(node().wait(stopping, patience)), waited::ok);
  gate_.open();
  EXPECT_TRUE(node().shutdown());
  EXPECT_EQ(node().metrics().life, node_life::stopped);
}

// -- the end --------------------------------------------------------------------------------------

// Its machine hangs, so nobody can tell what it applied.
TEST_F(raft_end_test, a_question_under_way_is_answered_when_the_server_ends_not_at_its_deadline) {
  start_led();
  auto hanging = hang();
  auto status = node().status(1h);
  got(node().status(1ms));  // by now the server has the first
  auto ended =
      node().wait([](const metrics& m) { return m.life == node_life::stopping; }, patience);
  node().stop();
  EXPECT_EQ(got(std::move(ended)), waited::ok);
  EXPECT_EQ(got(std::move(status)).code, raft_errc::shutting_down);
  EXPECT_EQ(got(node().status(1h)).code, raft_errc::shutting_down);
  EXPECT_EQ(got(node().write("add", {.deadline = 1h})).code, raft_errc::shutting_down);
  EXPECT_EQ(got(node().enable_elections(true, 1h)), raft_errc::shutting_down);
  EXPECT_EQ(got(node().order(transfer{}, 1h, 1h)).code, raft_errc::shutting_down);
  gate_.open();
}

using news_taker = caf::typed_actor<caf::reacts_to<outcome>, caf::reacts_to<committed>>;

struct news {
  std::promise<void> committed;
  std::promise<outcome> done;
};

news_taker::behavior_type client(news_taker::pointer self, server_actor to,
                                 std::shared_ptr<news> told) {
  propose m{request_id(7), commands(2)};
  m.notify_commit = true;
  self->send(to, std::move(m));
  return {[=](const outcome& o) {
            told->done.set_value(o);
            self->quit();
          },
          [=](const committed&) { told->committed.set_value(); }};
}

// It waits in the mailbox of a machine that ends before it comes to it. Nobody else knows the way
// back, and a plain message has no deadline.
TEST_F(raft_end_test, what_is_committed_and_reaches_no_machine_is_answered_as_unknown) {
  start_led();
  auto hanging = hang("hang and throw");
  const auto told = std::make_shared<news>();
  system_.spawn(client, node().server(), told);
  got(told->committed.get_future());
  gate_.open();
  const auto o = got(told->done.get_future());
  EXPECT_EQ(o.id, request_id(7));
  EXPECT_EQ(o.code, raft_errc::outcome_unknown);
  EXPECT_EQ(got(std::move(hanging)).code, raft_errc::outcome_unknown);
}

TEST_F(raft_end_test, a_query_that_reaches_no_machine_is_answered) {
  start_led();
  auto hanging = hang("hang and throw");
  auto query = node().read("", read_mode::stale, 1h);
  auto look = node().with_state_machine([](const machine&) {}, 1h);
  // Behind the query, on the same way: it is in the machine's mailbox.
  got(node().status(1h));
  gate_.open();
  EXPECT_NE(got(std::move(query)).code, raft_errc::none);
  EXPECT_EQ(got(std::move(look)), raft_errc::machine_failed);
}

// -- what errors say ------------------------------------------------------------------------------

TEST(code_of_failure_test, what_no_actor_took_did_not_happen_and_after_a_deadline_nobody_knows) {
  observed board;
  const auto code = [&](caf::error e) { return code_of_failure(e, board); };
  const auto life = [&](node_life now) { board.post([&](metrics& m) { m.life = now; }); };
  const auto down = caf::make_error(caf::sec::request_receiver_down);
  life(node_life::running);
  EXPECT_EQ(code(down), raft_errc::not_leader) << "the leader that it was passed on to is gone";
  EXPECT_EQ(code(caf::make_error(caf::sec::request_timeout)), raft_errc::outcome_unknown);
  EXPECT_EQ(code(make_error(raft_errc::invalid)), raft_errc::invalid);
  life(node_life::stopping);
  EXPECT_EQ(code(down), raft_errc::shutting_down);
  EXPECT_EQ(code(caf::make_error(caf::sec::request_timeout)), raft_errc::outcome_unknown);
  board.fail(raft_errc::storage_failed, "");
  EXPECT_EQ(code(down), raft_errc::storage_failed);
}

TEST(code_of_wait_test, the_end_of_a_wait_keeps_its_meaning) {
  observed board;
  EXPECT_EQ(code_of(waited::ok, board), raft_errc::none);
  EXPECT_EQ(code_of(waited::timed_out, board), raft_errc::outcome_unknown);
  EXPECT_EQ(code_of(waited::busy, board), raft_errc::busy);
  EXPECT_EQ(code_of(waited::shutting_down, board), raft_errc::shutting_down);
  board.fail(raft_errc::machine_failed, "");
  EXPECT_EQ(code_of(waited::shutting_down, board), raft_errc::machine_failed);
}

}  // namespace
}  // namespace troupe
