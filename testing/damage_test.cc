// Logs with bytes that changed on the disk: the node gives up what it cannot read, keeps what it
// promised, and is given the rest by the others. Scenario 66, of a whole cluster.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class damage_test : public members_scene, public testing::WithParamInterface<uint64_t> {
 protected:
  // The seed decides which byte it is.
  stage& play_many_writes(size_t nodes) {
    stage_ = std::make_unique<stage>(present(nodes, nodes), GetParam());
    leader_ = stage_->await_leader();
    for (int i = 0; i < 30; ++i) EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    stage_->run_for(200ms);
    return *stage_;
  }
  void damage(node_id id) {
    ASSERT_TRUE(stage_->nodes().rot(id));
    up_again(id);
    EXPECT_TRUE(stage_->run_until([&] { return lacks_entries(id); }, 100ms));
  }
  bool lacks_entries(node_id id) const {
    return static_cast<bool>(stage_->nodes().handle_of(id).metrics().lost);
  }
  void cut_off(node_id id, bool both_ways = true) {
    for (const auto other : stage_->nodes().ids()) {
      stage_->net().cut(id, other);
      if (both_ways) stage_->net().cut(other, id);
    }
  }
  void expect_whole_again(node_id id, duration within = 10s) {
    auto& s = *stage_;
    const auto whole = [&] {
      return s.leader() && !lacks_entries(id) && s.applied_at(id) == s.applied_at(s.leader());
    };
    EXPECT_TRUE(s.run_until(whole, within));
  }
};

TEST_P(damage_test, a_follower_is_given_what_it_lost_and_nobody_else_notices) {
  auto& s = play_many_writes(3);
  const auto term = s.term_of(leader_);
  const auto victim = a_follower();
  damage(victim);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(s.write(leader_, 100ms).code, raft_errc::none);
  expect_whole_again(victim);
  EXPECT_EQ(s.term_of(leader_), term);
  restart(victim);
  EXPECT_FALSE(lacks_entries(victim));
}

TEST_P(damage_test, a_leader_is_given_what_it_lost_before_it_leads_again) {
  auto& s = play_many_writes(3);
  const auto last = s.of(leader_).last;
  damage(leader_);
  const auto leads = [&] { return std::ranges::count(s.nodes().leading(), leader_) > 0; };
  EXPECT_FALSE(s.run_until([&] { return leads() && lacks_entries(leader_); }, 3s));
  expect_whole_again(leader_);
  ASSERT_EQ(order(transfer{leader_}), raft_errc::none) << "it may lead again";
  EXPECT_EQ(s.write(leader_).code, raft_errc::none);
  EXPECT_GT(s.of(leader_).last, last);
}

// The write is on two disks of three. One of them is damaged, the other node is down: the third,
// which never had it, must not be elected.
TEST_P(damage_test, who_lost_an_entry_helps_nobody_to_lead_without_it) {
  auto& s = play_many_writes(3);
  const auto keeps = a_follower();
  node_id behind;
  for (const auto id : s.nodes().ids())
    if (id != leader_ && id != keeps) behind = id;
  cut_off(behind);
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  const auto entry = s.of(leader_).last;
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  const auto written = s.applied_at(leader_);
  s.nodes().kill(leader_);
  s.run_for(10ms);
  ASSERT_TRUE(s.nodes().rot_entry(keeps, entry));
  up_again(keeps);
  EXPECT_TRUE(s.run_until([&] { return lacks_entries(keeps); }, 100ms));
  s.net().heal();
  EXPECT_FALSE(s.run_until([&] { return s.leader() != node_id(); }, 20s));
  EXPECT_EQ(s.admin(keeps, elect{keeps}).code, raft_errc::not_allowed);
  up_again(leader_);
  ASSERT_TRUE(s.run_until([&] { return s.leader() == leader_; }, 10s));
  EXPECT_TRUE(s.run_until([&] { return s.applied_at(leader_) >= written; }, 1s));
  expect_whole_again(keeps);
}

// An entry that was lost counts as little as one that never came, until it is there again.
TEST_P(damage_test, a_leader_does_not_count_what_a_follower_lost) {
  auto& s = play_many_writes(3);
  const auto victim = a_follower();
  const log_index lost(1 + GetParam() * 2);
  ASSERT_TRUE(s.nodes().rot_entry(victim, lost));
  cut_off(victim, /*both_ways=*/false);
  up_again(victim);
  const auto matched = [&] { return s.nodes().leadership_of(leader_)->durable(victim).index; };
  s.run_for(50ms);  // it asks the others for what it lost, and nobody hears it
  ASSERT_GT(matched(), lost);
  s.net().heal();
  log_index least = matched();
  s.run_until([&] { return least = std::min(least, matched()), false; }, 1s);
  EXPECT_LT(least, lost);
  expect_whole_again(victim);
}

// The third is gone for good: no leader has it all until both are whole.
TEST_P(damage_test, two_nodes_with_damage_at_different_places_make_each_other_whole) {
  auto& s = play_many_writes(3);
  const auto last = s.applied_at(leader_);
  const log_index here(1 + GetParam() * 2), there(2 + (GetParam() * 7) % last);
  ASSERT_NE(here, there);
  const auto other = a_follower();
  for (const auto id : s.nodes().ids()) s.nodes().kill(id);
  s.run_for(10ms);
  ASSERT_TRUE(s.nodes().rot_entry(leader_, here));
  ASSERT_TRUE(s.nodes().rot_entry(other, there));
  up_again(leader_);
  s.run_for(1s);
  EXPECT_TRUE(lacks_entries(leader_));
  up_again(other);
  ASSERT_TRUE(s.run_until([&] { return s.leader() != node_id(); }, 20s));
  for (const auto id : {leader_, other}) expect_whole_again(id);
  EXPECT_TRUE(s.run_until([&] { return s.applied_at(s.leader()) >= last; }, 1s));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  for (const auto id : {leader_, other}) {
    restart(id);
    EXPECT_FALSE(lacks_entries(id));
  }
}

// The header of a segment tells nothing that what is around it does not.
TEST_P(damage_test, who_can_read_all_it_acknowledged_needs_nobody) {
  auto& s = play_many_writes(1);
  const auto last = s.applied_at(leader_);
  ASSERT_TRUE(s.nodes().rot_header(leader_));
  up_again(leader_);
  EXPECT_TRUE(
      s.run_until([&] { return s.leader() == leader_ && s.applied_at(leader_) >= last; }, 10s));
  EXPECT_FALSE(lacks_entries(leader_));
}

TEST_P(damage_test, where_no_intact_copy_is_left_nobody_leads_and_nothing_is_made_up) {
  auto& s = play_many_writes(3);
  const log_index entry(1 + GetParam() * 2);
  for (const auto id : s.nodes().ids()) s.nodes().kill(id);
  s.run_for(10ms);
  for (const auto id : s.nodes().ids()) {
    ASSERT_TRUE(s.nodes().rot_entry(id, entry));
    up_again(id);
  }
  EXPECT_FALSE(s.run_until([&] { return s.leader() != node_id(); }, 20s));
  for (const auto id : s.nodes().ids()) {
    EXPECT_TRUE(lacks_entries(id));
    EXPECT_EQ(s.write(id, 100ms).code, raft_errc::not_leader);
  }
}

TEST_P(damage_test, a_node_that_is_alone_does_not_lead_with_less_than_it_acknowledged) {
  auto& s = play_many_writes(1);
  ASSERT_TRUE(s.nodes().rot_entry(leader_, log_index(1 + GetParam() * 2)));
  up_again(leader_);
  s.run_for(20s);
  EXPECT_TRUE(lacks_entries(leader_));
  EXPECT_FALSE(s.leader());
}

// All that was written is on an intact disk that is up, and only this and the damaged node are
// left.
TEST_P(damage_test, an_intact_node_and_a_damaged_one_are_a_quorum) {
  auto& s = play_many_writes(3);
  const auto victim = a_follower();
  for (const auto id : s.nodes().ids()) s.nodes().kill(id);
  s.run_for(10ms);
  damage(victim);
  up_again(leader_);
  ASSERT_TRUE(s.run_until([&] { return s.leader() == leader_; }, 20s));
  expect_whole_again(victim);
}

INSTANTIATE_TEST_SUITE_P(bytes, damage_test, testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace troupe::sim
