// Reads in all modes, and what clients are told: scenarios 24, 35-43.
#include <gtest/gtest.h>

#include "testing/stage.h"

namespace troupe::sim {
namespace {

using namespace std::chrono_literals;

class reads_test : public testing::Test {
 protected:
  stage& play(size_t nodes, cluster_options o = {}) {
    o.nodes = nodes;
    stage_ = std::make_unique<stage>(o);
    leader_ = stage_->await_leader();
    EXPECT_TRUE(leader_);
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->run_for(200ms);
    return *stage_;
  }
  node_id a_follower(size_t which = 0) const {
    for (const auto id : stage_->nodes().ids())
      if (id != leader_ && which-- == 0) return id;
    return {};
  }
  uint64_t seen(const outcome& o) {
    EXPECT_EQ(o.code, raft_errc::none);
    return o.results.empty() ? 0 : decode_entry(*o.results.begin()).position;
  }
  void isolate(node_id id) {
    for (const auto other : stage_->nodes().ids()) {
      stage_->net().cut(id, other);
      stage_->net().cut(other, id);
    }
  }
  void TearDown() override {
    if (!stage_) return;
    EXPECT_EQ(stage_->broken(), "");
  }

  std::unique_ptr<stage> stage_;
  node_id leader_;
};

TEST_F(reads_test, every_mode_but_stale_sees_what_was_acknowledged_at_every_node) {
  auto& s = play(3);
  for (uint64_t written = 2; written < 10; ++written) {
    EXPECT_EQ(s.write(leader_).code, raft_errc::none);
    for (const auto id : s.nodes().ids())
      for (const auto mode : {read_mode::linearizable, read_mode::lease, read_mode::follower})
        EXPECT_EQ(seen(s.read(id, mode)), written);
  }
}

TEST_F(reads_test, followers_have_a_write_soon_after_it_was_acknowledged) {
  auto& s = play(3);
  for (uint64_t written = 2; written < 10; ++written) {
    EXPECT_EQ(s.write(leader_).code, raft_errc::none);
    s.run_for(s.timing().heartbeat_interval / 10);
    for (const auto id : s.nodes().ids()) EXPECT_EQ(s.applied_at(id), written);
  }
}

TEST_F(reads_test, a_read_under_the_lease_waits_for_no_follower) {
  auto& s = play(3);
  isolate(leader_);
  const auto begun = s.now();
  EXPECT_EQ(seen(s.read(leader_, read_mode::lease, 20ms)), 1u);
  EXPECT_LT(s.now() - begun, 5ms);
  EXPECT_NE(s.read(leader_, read_mode::linearizable, 20ms).code, raft_errc::none);
}

TEST_F(reads_test, a_lease_ends_before_another_leader_can_be_elected) {
  auto& s = play(3);
  isolate(leader_);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().leading().size() > 1; }, 5s));
  // The judge would tell of a stale answer.
  const auto next = s.nodes().leading().front() == leader_ ? s.nodes().leading().back()
                                                           : s.nodes().leading().front();
  const auto write = s.begin_write(next);
  ASSERT_TRUE(s.run_until([&] { return write->has_value(); }, 1s));
  EXPECT_NE(s.read(leader_, read_mode::lease, 1s).code, raft_errc::none);
}

// Scenario 37, inside the bound: followers whose clocks run four times as fast as the leader's.
TEST_F(reads_test, a_lease_is_as_much_shorter_as_clocks_may_drift) {
  cluster_options o;
  o.limits.clock_drift = 4;
  auto& s = play(3, o);
  isolate(leader_);
  s.run_for(s.timing().lease() / 4 + 1ms);
  EXPECT_NE(s.read(leader_, read_mode::lease, 20ms).code, raft_errc::none);
}

// Thesis 6.4.1: answers that come late say how long the lease was, not how long it is.
TEST_F(reads_test, a_lease_counts_from_when_the_request_was_sent) {
  auto& s = play(3);
  const auto lease = s.timing().lease();
  for (const auto id : s.nodes().ids()) s.net().set_line(id, leader_, {0, lease / 2});
  s.run_for(4 * lease);
  ASSERT_EQ(seen(s.read(leader_, read_mode::lease, 20ms)), 1u);
  for (const auto id : s.nodes().ids()) s.net().cut(leader_, id);
  s.run_for(lease + 5ms);
  EXPECT_NE(s.read(leader_, read_mode::lease, 20ms).code, raft_errc::none);
}

// Scenario 40.
TEST_F(reads_test, a_follower_that_is_behind_answers_when_it_has_caught_up) {
  auto& s = play(3);
  const auto behind = a_follower();
  s.nodes().kill(behind);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(s.write(leader_).code, raft_errc::none);
  ASSERT_TRUE(s.run_until([&] { return s.nodes().start(behind), s.nodes().is_up(behind); }, 5s));
  const auto until = s.now() + 5s;
  outcome o;
  do o = s.read(behind, read_mode::follower, 1s);
  while (o.code != raft_errc::none && s.now() < until);
  EXPECT_EQ(seen(o), 51u);
}

TEST_F(reads_test, a_follower_without_a_leader_refuses_and_a_stale_read_does_not) {
  auto& s = play(3);
  const auto alone = a_follower();
  isolate(alone);
  s.run_for(s.timing().lease());
  EXPECT_EQ(s.read(alone, read_mode::follower, 5s).code, raft_errc::not_leader);
  EXPECT_EQ(seen(s.read(alone, read_mode::stale)), 1u);
}

// A query costs the leader something while it waits, even one without a byte.
TEST_F(reads_test, reads_beyond_the_bound_are_busy_and_those_that_come_later_are_served) {
  constexpr size_t fit = 10, more = 20;
  cluster_options o;
  o.limits.under_way = byte_count(fit * query().cost());
  auto& s = play(3, o);
  for (int again = 0; again < 2; ++again) {
    isolate(leader_);
    std::vector<pending<outcome>> asked;
    for (size_t i = 0; i < fit + more; ++i)
      asked.push_back(s.ask<troupe::read, outcome>(leader_, {request_id(i), {}}, 5s));
    const auto heard = [&](raft_errc code) {
      return std::ranges::count_if(asked, [&](const auto& a) { return *a && (*a)->code == code; });
    };
    s.run_for(20ms);
    EXPECT_EQ(heard(raft_errc::busy), more);
    EXPECT_EQ(heard(raft_errc::none), 0);
    s.net().heal();
    s.run_for(1s);
    EXPECT_EQ(heard(raft_errc::none), fit);
  }
}

// Scenario 36.
TEST_F(reads_test, a_leader_that_was_stopped_serves_no_read_from_before) {
  for (const auto mode : {read_mode::linearizable, read_mode::lease}) {
    auto& s = play(3);
    s.nodes().freeze(leader_, true);
    const auto asked = s.begin_read(leader_, mode);
    ASSERT_TRUE(s.run_until([&] { return s.nodes().leading().size() > 1; }, 3s));
    s.run_for(1s);
    const auto written = s.write(a_follower(), 2s);
    EXPECT_EQ(written.code, raft_errc::none);
    const auto late = s.begin_read(leader_, mode);
    s.nodes().freeze(leader_, false);
    ASSERT_TRUE(s.run_until([&] { return asked->has_value() && late->has_value(); }, 25s));
    EXPECT_EQ(s.broken(), "");
  }
}

// Scenario 35.
TEST_F(reads_test, a_new_leader_answers_no_read_before_its_first_entry_is_committed) {
  auto& s = play(3);
  for (int i = 0; i < 5; ++i) s.write(leader_);
  s.nodes().kill(leader_);
  const auto leads = [&] { return !s.nodes().leading().empty(); };
  ASSERT_TRUE(s.run_until(leads, 5s));
  const auto next = s.nodes().leading().front();
  for (const auto mode : {read_mode::linearizable, read_mode::lease}) {
    const auto read = s.begin_read(next, mode);
    s.run_until([&] { return read->has_value(); }, 1s);
    if (read->has_value() && (*read)->code == raft_errc::none) {
      EXPECT_GE(s.nodes().leadership_of(next)->committed(), (*read)->index);
      EXPECT_EQ(seen(**read), 6u);
    }
  }
}

TEST_F(reads_test, a_leader_that_reaches_no_quorum_says_so_and_does_nothing) {
  auto& s = play(3);
  isolate(leader_);
  const auto waiting = s.begin_read(leader_);
  s.run_for(s.timing().lease() + 1ms);
  ASSERT_EQ(s.nodes().leading(), std::vector{leader_}) << "it is not deposed yet";
  EXPECT_EQ(s.write(leader_).code, raft_errc::quorum_lost);
  EXPECT_EQ(s.read(leader_).code, raft_errc::quorum_lost);
  EXPECT_EQ(s.admin(leader_, transfer{}).code, raft_errc::quorum_lost);
  EXPECT_FALSE(waiting->has_value()) << "it may yet be answered";
  ASSERT_TRUE(s.run_until([&] { return waiting->has_value(); }, 2 * s.timing().lease()));
  EXPECT_EQ((*waiting)->code, raft_errc::quorum_lost);
  EXPECT_EQ(s.write(leader_).code, raft_errc::not_leader);
}

// Scenarios 24, 42, 43.
TEST_F(reads_test, who_waits_at_a_leader_that_is_cut_off_is_never_told_ok_and_never_left_waiting) {
  auto& s = play(3);
  isolate(leader_);
  std::vector<pending<outcome>> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(s.begin_write(leader_));
  const auto read = s.begin_read(leader_);
  ASSERT_TRUE(s.run_until([&] { return s.leader() && s.leader() != leader_; }, 5s));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  s.net().heal();
  const auto all_answered = [&] {
    return std::ranges::all_of(waiting, [](const auto& w) { return w->has_value(); });
  };
  ASSERT_TRUE(s.run_until(all_answered, 5s));
  // What the leader put into its log may yet be committed; what waited behind it was refused.
  const auto count = [&](raft_errc code) {
    return std::ranges::count_if(waiting, [=](const auto& w) { return (*w)->code == code; });
  };
  EXPECT_GE(count(raft_errc::outcome_unknown), 1);
  EXPECT_EQ(count(raft_errc::outcome_unknown) + count(raft_errc::not_leader), 5);
  ASSERT_TRUE(s.run_until([&] { return read->has_value(); }, 5s));
  EXPECT_EQ((*read)->code, raft_errc::not_leader);
}

// Scenario 24: the disk answers when the leadership is over and the entry is gone from the log.
TEST_F(reads_test, a_flush_that_comes_after_the_entry_was_overwritten_tells_nobody_ok) {
  auto& s = play(3);
  const auto before = s.applied_at(leader_);
  isolate(leader_);
  s.nodes().stall_disk(leader_, true);
  const auto write = s.begin_write(leader_);
  ASSERT_TRUE(s.run_until([&] { return s.leader() && s.leader() != leader_; }, 5s));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  s.net().heal();
  s.run_for(1s);
  s.nodes().stall_disk(leader_, false);
  ASSERT_TRUE(s.run_until([&] { return s.applied_at(leader_) == before + 1; }, 5s));
  ASSERT_TRUE(write->has_value());
  EXPECT_EQ((*write)->code, raft_errc::outcome_unknown);
}

// Scenario 43.
TEST_F(reads_test, what_a_node_without_a_leader_refuses_never_happened) {
  auto& s = play(3);
  for (const auto id : s.nodes().ids())
    if (id != leader_) s.nodes().kill(id);
  s.run_for(5 * s.timing().lease());
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(s.write(leader_, 5s).code, raft_errc::not_leader);  // the judge holds it to that
}

}  // namespace
}  // namespace troupe::sim
