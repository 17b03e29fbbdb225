// Much at once: the largest entry, and a crowd of small ones. Memory stays bounded and heartbeats
// keep their time. Scenario 34.
#include <algorithm>

#include <gtest/gtest.h>

#include "testing/stage.h"

namespace troupe::sim {
namespace {

using namespace std::chrono_literals;

class burst_test : public testing::Test {
 protected:
  // Three nodes; each line carries so many bytes a second.
  stage& play(double rate, leader_limits limits = {}) {
    cluster_options o;
    o.limits = limits;
    o.segment_size = MiB(8);
    stage_ = std::make_unique<stage>(o);
    stage_->run_for(1s);
    leader_ = stage_->await_leader();
    for (const auto from : stage_->nodes().ids())
      for (const auto to : stage_->nodes().ids()) stage_->net().set_line(from, to, {rate, 200us});
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->run_for(200ms);
    term_ = stage_->term_of(leader_);
    return *stage_;
  }

  // Until all are answered; watches for how long no quorum was heard of, and what waits for a line.
  void run_until_answered(const std::vector<pending<outcome>>& writes) {
    const auto answered = [&] {
      const auto& l = *stage_->nodes().leadership_of(leader_);
      silence_ = std::max(silence_, stage_->now() - l.quorum_heard(stage_->now()));
      for (const auto id : stage_->nodes().ids())
        backlog_ = std::max(backlog_, stage_->net().backlog(leader_, id, stage_->now()));
      return std::ranges::all_of(writes, [](const auto& w) { return w->has_value(); });
    };
    ASSERT_TRUE(stage_->run_until(answered, 20s));
  }

  void TearDown() override {
    EXPECT_EQ(stage_->broken(), "");
    EXPECT_EQ(stage_->leader(), leader_);
    EXPECT_EQ(stage_->term_of(leader_), term_);
  }

  std::unique_ptr<stage> stage_;
  node_id leader_;
  uint64_t term_ = 0;
  duration silence_{0}, backlog_{0};
};

// On a line that carries it within a lease, less a heartbeat: nothing else gets through meanwhile.
TEST_F(burst_test, the_largest_entry_is_written_and_the_leader_stays) {
  auto& s = play(300e6);
  const auto write = s.begin_write(leader_, batch::max_size - (1 << 17));
  ASSERT_NO_FATAL_FAILURE(run_until_answered({write}));
  EXPECT_EQ((*write)->code, raft_errc::none);
  EXPECT_LE(silence_, s.timing().lease());
}

// 1.2 million of them. What the leader does not take is refused at once; what it takes is written,
// and no heartbeat waits long behind it.
TEST_F(burst_test, a_crowd_of_small_writes_is_bounded_in_memory_and_delays_no_heartbeat) {
  leader_limits limits;
  limits.under_way = MiB(32);
  auto& s = play(50e6, limits);
  std::vector<pending<outcome>> writes;
  for (int wave = 0; wave < 3; ++wave) {
    for (int i = 0; i < 400; ++i) writes.push_back(s.begin_write(leader_, 100, /*count=*/1000));
    ASSERT_NO_FATAL_FAILURE(run_until_answered(writes));
  }
  const auto heard = [&](raft_errc code) {
    return std::ranges::count_if(writes, [=](const auto& w) { return (*w)->code == code; });
  };
  EXPECT_GE(heard(raft_errc::none), 3 * 250) << "32 MiB may wait";
  EXPECT_GE(heard(raft_errc::busy), 3 * 50) << "and 40 MB came at once";
  EXPECT_EQ(heard(raft_errc::none) + heard(raft_errc::busy), 3 * 400);
  EXPECT_LE(silence_, s.timing().lease() / 2);
  EXPECT_LE(backlog_, 2 * s.timing().heartbeat_interval);
}

}  // namespace
}  // namespace troupe::sim
