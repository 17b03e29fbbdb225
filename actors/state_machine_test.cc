// Rules of the state_machine actor: queries in virtual time.
#include "actors/state_machine.h"

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// Each query takes a second, and is answered by its first byte.
class slow final : public machine {
 public:
  slow(std::function<void()> let_pass, std::string& seen)
      : let_pass_(std::move(let_pass)), seen_(seen) {}
  void apply(log_index, frames_view, frames&) override {}
  void query(std::string_view question, frames& results) override {
    let_pass_();
    seen_ += question.front();
    results.add(question.substr(0, 1));
  }

 private:
  std::function<void()> let_pass_;
  std::string& seen_;
};

class state_machine_test : public virtual_raft_test {
 protected:
  state_machine_test() {
    state_machine_options o;
    o.hosted = std::make_shared<slow>([this] { coordinator().clock().current_time += 1s; }, asked_);
    machine_ = system_.spawn(state_machine_behavior, std::move(o));
  }
  ~state_machine_test() override { caf::anon_send_exit(machine_, caf::exit_reason::kill); }

  // `text`: each byte is a question of its own.
  query query_of(std::string_view text, instant until = instant::max()) {
    query q;
    for (const char& c : text) q.queries.add({&c, 1});
    q.until = until;
    return q;
  }
  // What a reader of this query will have heard.
  std::shared_ptr<std::optional<outcome>> begin(query q) {
    auto heard = std::make_shared<std::optional<outcome>>();
    system_.spawn([&, heard](caf::event_based_actor* self) {
      self->become([this, self](query& mine) {
        mine.to = route::of_current(self, outcome{{}, raft_errc::not_leader, {}, {}, {}});
        self->send(machine_, std::move(mine));
        return caf::delegated<outcome>{};
      });
      self->request(caf::actor_cast<caf::actor>(self), caf::infinite, std::move(q))
          .then([heard, self](const outcome& o) { *heard = o, self->quit(); },
                [self](const caf::error& e) { ADD_FAILURE() << self->system().render(e); });
    });
    run();
    return heard;
  }
  outcome answer_to(query q) {
    const auto heard = begin(std::move(q));
    EXPECT_TRUE(*heard);
    return heard->value_or(outcome{});
  }
  // Fills the room for queries that wait, with some of the state at `index`. The last of them.
  std::shared_ptr<std::optional<outcome>> fill(log_index index, instant until = instant::max()) {
    const auto ask = [&](byte_count size) {
      query q;
      q.index = index;
      q.queries.add(std::string(size.value, 'a'));
      q.until = until;
      return begin(std::move(q));
    };
    const auto first = ask(MiB(40)), second = ask(MiB(20)), third = ask(MiB(20));
    EXPECT_FALSE(*first);
    EXPECT_FALSE(*second);
    EXPECT_EQ(third->value_or(outcome{}).code, raft_errc::busy);
    return second;
  }

  std::string asked_;
  state_machine_actor machine_;
};

TEST_F(state_machine_test, a_crowd_of_queries_lets_others_through) {
  for (const auto* text : {"a", "b", "c"}) caf::anon_send(machine_, query_of(text));
  caf::anon_send(machine_, visit{[this](const machine&) { asked_ += "-"; }});
  run();
  EXPECT_EQ(asked_, "-abc");
  asked_.clear();
  caf::anon_send(machine_, query_of("a"));
  caf::anon_send(machine_, query_of("b"));
  caf::anon_send(machine_, visit{[this](const machine&) {
                   caf::anon_send(machine_, visit{[this](const machine&) { asked_ += "-"; }});
                 }});
  run();
  EXPECT_EQ(asked_, "a-b");
}

// Sees the metrics while it applies.
class curious final : public machine {
 public:
  explicit curious(const observed& board) : board_(board) {}
  void apply(log_index, frames_view, frames&) override { seen = board_.get(); }
  void query(std::string_view, frames&) override {}

  metrics seen;

 private:
  const observed& board_;
};

TEST_F(state_machine_test, a_commit_is_told_before_it_is_applied) {
  state_machine_options o;
  const auto hosted = std::make_shared<curious>(*o.board);
  o.hosted = hosted;
  const auto board = o.board;
  const auto machine = system_.spawn(state_machine_behavior, std::move(o));
  batch_builder first;
  first.add("x");
  caf::anon_send(machine,
                 apply{log_index(1), {first.seal(batch_kind::commands, {}, {})}, {}, false});
  run();
  EXPECT_EQ(hosted->seen.committed, log_index(1));
  EXPECT_EQ(hosted->seen.applied, log_index());
  caf::anon_send_exit(machine, caf::exit_reason::kill);
}

TEST_F(state_machine_test, a_query_whose_time_is_over_is_not_asked) {
  caf::anon_send(machine_, query_of("a"));
  const auto late = answer_to(query_of("b", now() + 500ms));
  EXPECT_EQ(asked_, "a");
  EXPECT_EQ(late.code, raft_errc::busy);
  EXPECT_EQ(answer_to(query_of("c", now() + 500ms)).code, raft_errc::none);
}

TEST_F(state_machine_test, queries_that_wait_are_bounded_in_bytes_and_make_room_however_they_end) {
  const auto given_up = fill(log_index(1), now() + 1s);
  ASSERT_TRUE(run_until([&] { return given_up->has_value(); }));
  EXPECT_EQ((*given_up)->code, raft_errc::not_leader);
  const auto answered = fill(log_index(1));
  batch_builder first;
  first.add({});
  caf::anon_send(machine_, apply{log_index(1), {first.seal(batch_kind::blank, {}, {})}, {}, false});
  run();
  ASSERT_TRUE(*answered);
  EXPECT_EQ((*answered)->code, raft_errc::none);
  fill(log_index(2));
}

TEST_F(state_machine_test, results_beyond_the_bound_are_left_out) {
  query q = query_of("abcd");
  q.most = byte_count(2 * (sizeof(uint32_t) + 1));
  const auto o = answer_to(std::move(q));
  EXPECT_EQ(o.code, raft_errc::none);
  EXPECT_EQ(o.results.bytes(), query_of("ab").queries.bytes());
  EXPECT_EQ(o.results.size(), 2u);
  EXPECT_EQ(asked_, "abc") << "nothing is asked behind the one that did not fit";
}

}  // namespace
}  // namespace troupe
