// Rules of the herald, in virtual time: of waits, of listeners, of what the handle makes of both.
#include "actors/herald.h"

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

void apply_up_to(observed& board, uint64_t index) {
  board.post([&](metrics& m) { m.applied = log_index(index); });
}

// -- waits and listeners --------------------------------------------------------------------------

class herald_test : public virtual_raft_test {
 protected:
  herald_test() {
    system_.spawn(herald_behavior, board_, std::vector<caf::actor>{subject_});
    run();
  }
  ~herald_test() override { end(); }

  void end() {
    caf::anon_send_exit(subject_, caf::exit_reason::user_shutdown);
    run();
  }
  // Where the end of a wait is noted, and when it came.
  auto note(std::vector<waited>& into) {
    return [&](waited how) { into.push_back(how), ended_ = now(); };
  }

  std::shared_ptr<observed> board_ = std::make_shared<observed>();
  caf::actor subject_ =
      system_.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](wake) {}}; });
  instant ended_;
};

TEST_F(herald_test, a_wait_ends_when_its_condition_holds_and_only_once) {
  std::vector<waited> ends;
  board_->when({until::applied_at_least(log_index(2)), 1s, note(ends)});
  apply_up_to(*board_, 1);
  run();
  EXPECT_TRUE(ends.empty());
  apply_up_to(*board_, 2);
  run();
  apply_up_to(*board_, 3);
  run();
  EXPECT_EQ(ends, std::vector{waited::ok});
}

TEST_F(herald_test, a_condition_that_holds_already_needs_no_change) {
  apply_up_to(*board_, 5);
  std::vector<waited> ends;
  board_->when({until::applied_at_least(log_index(2)), 1s, note(ends)});
  run();
  EXPECT_EQ(ends, std::vector{waited::ok});
}

TEST_F(herald_test, waits_time_out_at_their_own_time) {
  std::vector<waited> late, early;
  const auto begin = now();
  const auto never = until::applied_at_least(log_index(2));
  board_->when({never, 3s, note(late)});
  board_->when({never, 1s, note(early)});
  ASSERT_TRUE(run_until([&] { return !early.empty(); }));
  EXPECT_EQ(ended_, begin + 1s);
  EXPECT_TRUE(late.empty());
  ASSERT_TRUE(run_until([&] { return !late.empty(); }));
  EXPECT_EQ(ended_, begin + 3s);
  EXPECT_EQ(early, std::vector{waited::timed_out});
  EXPECT_EQ(late, std::vector{waited::timed_out});
}

TEST_F(herald_test, the_longest_patience_does_not_overflow) {
  std::vector<waited> ends;
  board_->when({until::applied_at_least(log_index(2)), duration::max(), note(ends)});
  run();
  EXPECT_TRUE(ends.empty());
  apply_up_to(*board_, 2);
  run();
  EXPECT_EQ(ends, std::vector{waited::ok});
}

TEST_F(herald_test, the_end_of_the_node_ends_every_wait) {
  std::vector<waited> before, after;
  const auto never = until::applied_at_least(log_index(2));
  board_->when({never, 1s, note(before)});
  run();
  board_->when({never, 1s, note(before)});  // not taken yet
  end();
  board_->when({never, 1s, note(after)});
  EXPECT_EQ(before, (std::vector{waited::shutting_down, waited::shutting_down}));
  EXPECT_EQ(after, std::vector{waited::shutting_down});
  board_->when({[](const metrics& m) { return m.life == node_life::stopped; }, 1s, note(after)});
  EXPECT_EQ(after.back(), waited::ok);
}

TEST_F(herald_test, waits_that_have_ended_make_room_however_they_did) {
  std::vector<waited> held, late;
  for (size_t i = 0; i < observed::most_waits; ++i) {
    const bool now = i % 2 == 0;
    board_->when({until::applied_at_least(log_index(now ? 1 : 2)), 1s, note(now ? held : late)});
  }
  apply_up_to(*board_, 1);
  run();
  EXPECT_EQ(held, std::vector(observed::most_waits / 2, waited::ok));
  ASSERT_TRUE(run_until([&] { return !late.empty(); }));
  EXPECT_EQ(late, std::vector(observed::most_waits / 2, waited::timed_out));
  std::vector<waited> more;
  for (size_t i = 0; i < observed::most_waits; ++i)
    board_->when({until::applied_at_least(log_index(2)), 1s, note(more)});
  EXPECT_TRUE(more.empty());
  board_->when({until::applied_at_least(log_index(2)), 1s, note(more)});
  EXPECT_EQ(more, std::vector{waited::busy});
  end();
  EXPECT_EQ(more.size(), observed::most_waits + 1);
}

TEST_F(herald_test, a_callback_may_use_the_board) {
  std::vector<waited> ends;
  board_->when({until::applied_at_least(log_index(1)), 1s, [&](waited) {
                  apply_up_to(*board_, 2);
                  EXPECT_EQ(board_->get().applied, log_index(2));
                  board_->when({until::applied_at_least(log_index(2)), 1s, note(ends)});
                }});
  apply_up_to(*board_, 1);
  run();
  EXPECT_EQ(ends, std::vector{waited::ok});
}

TEST_F(herald_test, a_listener_hears_the_present_state_the_changes_and_the_end) {
  const auto lead = [&](uint64_t t) {
    board_->post([&](metrics& m) { m.leader = {term(t), node_id(1)}; });
    run();
  };
  lead(1);
  std::vector<uint64_t> terms;
  board_->follow([&](const metrics& m) { terms.push_back(m.leader.in.value); });
  run();
  lead(2);
  lead(2);
  end();
  EXPECT_EQ(terms, (std::vector<uint64_t>{1, 2, 0}));
}

// -- leaderships, as the handle tells them -------------------------------------------------------

class leaderships_test : public herald_test {
 protected:
  leaderships_test() {
    const auto told = [&](char what) {
      return [this, what](leader_id l) { told_ += what + std::to_string(l.in.value) + " "; };
    };
    node_.on_leader_change(told('+'), told('-'));
    node_.on_cluster_leader_change([this](leader_id before, leader_id now) {
      seen_ += std::to_string(before.in.value) + ">" + std::to_string(now.in.value) + " ";
    });
    run();
  }
  ~leaderships_test() override { end(); }  // the listeners hear of it

  // What happens between two looks of the herald may be much.
  void lead(uint64_t t) {
    board_->post([&](metrics& m) {
      m.role = node_role::leader;
      m.vote = {{term(t), node_id(1)}, true};
      m.leader = m.vote.leader;
    });
  }
  void follow(uint64_t t) {
    board_->post([&](metrics& m) {
      m.role = node_role::follower;
      m.vote = {{term(t), node_id(2)}, true};
      m.leader = m.vote.leader;
    });
  }

  raft node_{{&system_, node_id(1), {}, {}, {}, {}, {}, {}, {}, board_}};
  std::string told_, seen_;
};

TEST_F(leaderships_test, one_after_the_other_is_stopped_before_the_next_starts) {
  lead(1), run();
  follow(2), run();
  lead(3), run();
  EXPECT_EQ(told_, "+1 -1 +3 ");
  EXPECT_EQ(seen_, "0>1 1>2 2>3 ");
}

TEST_F(leaderships_test, two_own_ones_in_one_look_are_told_apart) {
  lead(1), run();
  follow(2), lead(3), run();
  EXPECT_EQ(told_, "+1 -1 +3 ");
  EXPECT_EQ(seen_, "0>1 1>3 ");
}

TEST_F(leaderships_test, one_that_nobody_saw_is_left_out) {
  lead(1), follow(2), run();
  EXPECT_EQ(told_, "");
  lead(3), run();
  lead(3), run();
  EXPECT_EQ(told_, "+3 ");
}

TEST_F(leaderships_test, the_end_of_the_node_stops_the_last_one) {
  lead(1), run();
  end();
  EXPECT_EQ(told_, "+1 -1 ");
  EXPECT_EQ(seen_, "0>1 1>0 ");
}

// -- watching one number --------------------------------------------------------------------------

TEST_F(herald_test, a_watch_knows_what_it_saw) {
  progress_watch<log_index> w(board_, [](const metrics& m) { return m.applied; });
  EXPECT_FALSE(w.changed());
  apply_up_to(*board_, 4);
  EXPECT_TRUE(w.changed());
  EXPECT_EQ(got(w.next(1s)), waited::ok);
  EXPECT_EQ(w.get(), log_index(4));
  EXPECT_FALSE(w.changed());
  EXPECT_EQ(got(w.next(1s)), waited::timed_out);
  EXPECT_EQ(got(w.wait_until_ge(log_index(4), 1s)), waited::ok);
  EXPECT_EQ(got(w.wait_until_ge(log_index(5), 1s)), waited::timed_out);
  EXPECT_EQ(got(w.wait_until([](log_index i) { return i == log_index(4); }, 1s)), waited::ok);
}

}  // namespace
}  // namespace troupe
