// Snapshots with bytes that changed on the disk: the log goes on from them, and the machine's state
// comes from another node.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class lost_state_test : public members_scene, public testing::WithParamInterface<uint64_t> {
 protected:
  // The seed decides which byte is damaged.
  stage& write_some(size_t nodes, size_t newcomers = 0) {
    auto o = present(nodes + newcomers, nodes);
    o.segment_size = KiB(4);
    stage_ = std::make_unique<stage>(o, GetParam());
    leader_ = stage_->await_leader();
    write(60);
    stage_->run_for(200ms);
    return *stage_;
  }
  // Each node has a snapshot, and no log before it.
  stage& play(size_t nodes) {
    auto& s = write_some(nodes);
    for (const auto id : s.nodes().up()) compact(id);
    return s;
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(stage_->write(leader_).code, raft_errc::none);
  }
  void compact(node_id id) {
    const auto made = stage_->admin(leader_, snapshot_now{id});
    ASSERT_EQ(made.code, raft_errc::none) << made.why;
    ASSERT_EQ(stage_->admin(leader_, purge_now{id, made.at.index}).code, raft_errc::none);
  }
  void damage(node_id id) {
    ASSERT_TRUE(stage_->nodes().rot_snapshot(id));
    up_again(id);
    EXPECT_GT(stage_->of(id).purged, log_index(0)) << "else nothing is lost";
  }
  void cut_off(node_id id) {
    for (const auto other : stage_->nodes().ids())
      stage_->net().cut(id, other), stage_->net().cut(other, id);
  }
  node_id third(node_id a, node_id b) const {
    for (const auto id : stage_->nodes().ids())
      if (id != a && id != b) return id;
    return {};
  }
  bool same_as_leader(node_id id) {
    auto& s = *stage_;
    const auto leader = s.leader();
    return leader && s.nodes().is_up(id) && s.applied_at(id) == s.applied_at(leader);
  }
  void expect_whole_again(node_id id, duration within = 10s) {
    EXPECT_TRUE(stage_->run_until([&] { return same_as_leader(id); }, within))
        << "n" << id << " has " << stage_->applied_at(id);
    EXPECT_GT(stage_->nodes().handle_of(id).metrics().snapshot, log_index(0));
  }
};

TEST_P(lost_state_test, a_follower_gets_the_state_from_another_node_and_keeps_its_log) {
  auto& s = play(3);
  const auto victim = a_follower();
  const auto term = s.term_of(leader_);
  write(5);
  const auto before = s.of(victim).last;
  damage(victim);
  write(5);
  expect_whole_again(victim);
  EXPECT_EQ(s.term_of(leader_), term) << "nobody else notices";
  EXPECT_GE(s.of(victim).last, before);
  restart(victim);
  expect_whole_again(victim);
}

TEST_P(lost_state_test, a_leader_gets_it_back_and_may_lead_again) {
  play(3);
  const auto old = leader_;
  damage(old);
  stage_->await_leader();
  expect_whole_again(old);
  leader_ = stage_->await_leader();
  if (leader_ != old) {
    ASSERT_EQ(order(transfer{old}), raft_errc::none);
  }
  leader_ = stage_->await_leader();
  EXPECT_EQ(leader_, old);
  write(1);
}

// The one without state is needed to commit, since the third is gone.
TEST_P(lost_state_test, who_has_no_state_votes_and_acknowledges_all_the_same) {
  auto& s = play(3);
  const auto victim = a_follower();
  const auto gone = third(leader_, victim);
  for (const auto id : {victim, gone, leader_}) s.nodes().kill(id);
  ASSERT_TRUE(s.nodes().rot_snapshot(victim));
  up_again(leader_), up_again(victim);
  leader_ = s.await_leader();
  EXPECT_NE(leader_, victim);
  write(3);
  expect_whole_again(victim);
}

// What it alone has was acknowledged to a client. The other one has all of the log before, and does
// not know how much of it is committed: nobody can elect it, and it cannot give any state.
TEST_P(lost_state_test, who_has_the_longest_log_leads_without_state_until_the_other_one_can) {
  auto& s = write_some(3);
  const auto keeps = leader_, behind = a_follower(), gone = third(keeps, behind);
  compact(keeps);
  cut_off(behind);
  write(20);
  const auto last = s.of(keeps).last;
  for (const auto id : {keeps, behind, gone}) s.nodes().kill(id);
  s.net().heal();
  ASSERT_TRUE(s.nodes().rot_snapshot(keeps));
  up_again(keeps), up_again(behind);
  ASSERT_TRUE(s.run_until([&] { return s.leader() == behind; }, 20s)) << "led by " << s.leader();
  leader_ = behind;
  EXPECT_GT(s.of(behind).last, last);
  write(3);
  expect_whole_again(keeps);
}

TEST_P(lost_state_test, a_part_of_the_log_may_be_lost_as_well) {
  auto& s = play(3);
  write(40);
  const auto victim = a_follower();
  s.run_for(200ms);
  s.nodes().rot_entry(victim, s.of(victim).purged + 20);
  damage(victim);
  write(5);
  expect_whole_again(victim, 20s);
}

TEST_P(lost_state_test, a_snapshot_that_is_gone_is_no_different) {
  auto& s = play(3);
  const auto victim = a_follower();
  ASSERT_TRUE(s.nodes().lose_snapshot(victim));
  up_again(victim);
  expect_whole_again(victim);
}

// Nothing else on its disk ever told which cluster it is of, and who is in it.
TEST_P(lost_state_test, who_joined_by_a_snapshot_and_loses_it_still_knows_the_members) {
  auto& s = write_some(3, /*newcomers=*/1);
  for (const auto id : ids({1, 2, 3})) compact(id);
  const node_id joined(4);
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none) << reply_.why;
  expect_whole_again(joined);
  const bool gone = GetParam() % 2 == 0;
  ASSERT_TRUE(gone ? s.nodes().lose_snapshot(joined) : s.nodes().rot_snapshot(joined));
  up_again(joined);
  write(5);
  expect_whole_again(joined);
}

TEST_P(lost_state_test, what_nobody_has_any_more_is_not_made_up) {
  auto& s = play(3);
  for (const auto id : s.nodes().ids()) s.nodes().kill(id);
  for (const auto id : s.nodes().ids()) ASSERT_TRUE(s.nodes().rot_snapshot(id));
  for (const auto id : s.nodes().ids()) up_again(id);
  s.run_for(10s);
  EXPECT_EQ(s.nodes().up().size(), 3u);
  for (const auto id : s.nodes().up()) EXPECT_EQ(s.applied_at(id), 0u);
  EXPECT_NE(s.write(s.nodes().up().front(), 1s).code, raft_errc::none);
}

TEST_P(lost_state_test, a_node_that_is_alone_ends_and_says_what_to_do) {
  auto& s = play(1);
  ASSERT_TRUE(s.nodes().rot_snapshot(leader_));
  up_again(leader_);
  // It outlives the node.
  const raft handle = s.nodes().handle_of(leader_);
  EXPECT_TRUE(s.run_until(
      [&] { return handle.metrics().failure_text.find("`ctl restore`") != std::string::npos; },
      5s));
}

// What is found while the machine is well is no loss at all.
TEST_P(lost_state_test, a_snapshot_that_rots_while_its_node_runs_is_made_again) {
  auto& s = play(3);
  const auto victim = GetParam() % 2 == 0 ? leader_ : a_follower();
  const auto before = s.nodes().handle_of(victim).metrics().snapshot;
  s.nodes().rot_snapshot_of_running(victim);
  write(1);
  EXPECT_TRUE(
      s.run_until([&] { return s.nodes().handle_of(victim).metrics().snapshot > before; }, 60s));
  restart(victim);
  leader_ = s.await_leader();
  expect_whole_again(victim);
}

// It goes on with the file that it has open, until the follower has looked through all of it.
TEST_P(lost_state_test, a_leader_whose_snapshot_is_damaged_sends_another_one) {
  auto& s = write_some(3);
  const auto away = a_follower();
  s.nodes().kill(away);
  write(60);
  for (const auto id : s.nodes().up()) compact(id);
  ASSERT_EQ(order(transfer{}), raft_errc::none);
  leader_ = s.await_leader();
  ASSERT_TRUE(s.nodes().rot_snapshot_of_running(leader_));
  up_again(away);
  expect_whole_again(away, 30s);
}

INSTANTIATE_TEST_SUITE_P(bytes, lost_state_test, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace troupe::sim
