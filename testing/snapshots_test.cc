// Logs that forget, and snapshots in their place: what comes back finds its way, whatever happens
// meanwhile.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class snapshots_test : public members_scene {
 protected:
  // A snapshot after each `distance` entries, and no tail behind it.
  stage& play(size_t nodes, size_t voters, uint64_t distance, uint64_t seed = 1,
              size_t state_size = 0) {
    auto o = present(nodes, voters);
    o.compaction.snapshot_after_entries = distance;
    o.state_size = state_size;
    stage_ = std::make_unique<stage>(o, seed);
    leader_ = stage_->await_leader();
    write(1);
    return *stage_;
  }
  void write(int count, size_t bytes = 16) {
    for (int i = 0; i < count; ++i) {
      const auto answer = stage_->begin_write(leader_, bytes);
      ASSERT_TRUE(stage_->run_until([&] { return answer->has_value(); }, 5s));
      ASSERT_EQ((*answer)->code, raft_errc::none);
    }
  }
  metrics seen_by(node_id id) const { return stage_->nodes().handle_of(id).metrics(); }
  void expect_the_same(node_id id, duration within = 10s) {
    auto& s = *stage_;
    EXPECT_TRUE(s.run_until(
        [&] {
          const auto leader = s.leader();
          return leader && s.nodes().is_up(id) && s.applied_at(id) == s.applied_at(leader) &&
                 s.nodes().members_at(id) == s.nodes().members_at(leader);
        },
        within))
        << "n" << id << " has " << s.applied_at(id);
  }
  // All that are up and not cut off keep nothing of their logs.
  void purge_all(node_id cut_off = {}) {
    for (const auto id : stage_->nodes().up()) {
      if (id == cut_off || !stage_->nodes().members_at(leader_).contains(id)) continue;
      const auto made = stage_->admin(leader_, snapshot_now{id});
      ASSERT_EQ(made.code, raft_errc::none) << made.why;
      ASSERT_EQ(stage_->admin(leader_, purge_now{id, made.at.index}).code, raft_errc::none);
    }
  }
  // And another one leads, which has nothing of the past in memory either.
  void forget_the_past(node_id cut_off = {}) {
    purge_all(cut_off);
    const auto old = leader_;
    ASSERT_EQ(stage_->admin(old, transfer{}).code, raft_errc::none);
    ASSERT_TRUE(stage_->run_until(
        [&] { return stage_->leader() && stage_->leader() != old && stage_->leader() != cut_off; },
        5s));
    leader_ = stage_->leader();
  }
  // One who was away until its next entry was purged.
  node_id left_behind() {
    const auto away = a_follower();
    stage_->nodes().kill(away);
    write(40);
    forget_the_past();
    return away;
  }
  // What the node is cut off from goes on without it.
  void cut_off(node_id id) {
    for (const auto other : stage_->nodes().ids())
      stage_->net().cut(id, other), stage_->net().cut(other, id);
  }
  // The others go on, since the old leader is cut off, and forget the past.
  void go_on_without(node_id old) {
    auto& s = *stage_;
    ASSERT_TRUE(s.run_until([&] { return s.leader() && s.leader() != old; }, 10s));
    leader_ = s.leader();
    write(40);
    forget_the_past(old);
  }
  // The old leader takes writes that are never committed, cut off; then it hears of the others.
  std::vector<pending<outcome>> write_in_vain(node_id old, int count) {
    auto& s = *stage_;
    cut_off(old);
    std::vector<pending<outcome>> lost;
    for (int i = 0; i < count; ++i) lost.push_back(s.begin_write(old));
    s.run_for(50ms);
    go_on_without(old);
    s.net().heal();
    return lost;
  }
  // Counts what is sent from one to the other from now on.
  void count(node_id from, node_id to, const line& l = {}) { stage_->net().set_line(from, to, l); }
  uint64_t sent(node_id from, node_id to) const { return stage_->net().handed(from, to).value; }
};

// Scenario 31.
TEST_F(snapshots_test, who_needs_what_was_purged_gets_a_snapshot_and_then_the_log) {
  auto& s = play(3, 3, 5);
  const auto away = left_behind();
  EXPECT_GE(seen_by(leader_).purged, seen_by(leader_).last.index - 2) << "to its tip";
  count(leader_, away);
  up_again(away);
  expect_the_same(away);
  EXPECT_GT(s.nodes().voter_of(away).log().purged().index, log_index(20)) << "by a snapshot";
  EXPECT_LT(sent(leader_, away), 200'000u) << "one snapshot of 84 kB, pieces overtake each other";
  write(3);
  expect_the_same(away);
  const auto before = sent(leader_, away);
  s.run_for(2s);
  EXPECT_LT(sent(leader_, away) - before, 10'000u) << "heartbeats";
}

TEST_F(snapshots_test, a_node_goes_on_from_its_own_snapshot_after_a_restart) {
  auto& s = play(3, 3, 5);
  write(40);
  const auto all = s.nodes().ids();
  for (const auto id : all) s.nodes().kill(id);
  for (const auto id : all) up_again(id);
  leader_ = s.await_leader();
  for (const auto id : all) expect_the_same(id);
  EXPECT_GT(seen_by(leader_).snapshot, log_index(20));
  write(3);
}

TEST_F(snapshots_test, a_learner_that_is_new_joins_by_a_snapshot) {
  auto& s = play(4, 3, 0, 1, 300'000);
  write(40);
  forget_the_past(node_id(4));
  ASSERT_EQ(order(change(kind::add_nodes, {4})), raft_errc::none);
  expect_the_same(node_id(4));
  ASSERT_EQ(order(change(kind::add_voters, {4})), raft_errc::none);
  EXPECT_TRUE(members().is_voter(node_id(4)));
  EXPECT_GT(s.nodes().voter_of(node_id(4)).log().purged().index, log_index(20));
}

// The file takes a second and a half, and its leader is the one that purged what is needed.
TEST_F(snapshots_test, heartbeats_and_reads_do_not_end_a_transfer) {
  auto& s = play(4, 3, 0, 1, 600'000);
  write(40);
  purge_all(node_id(4));
  count(leader_, node_id(4), {400'000, 1ms});
  const auto joined = s.begin(leader_, change(kind::add_nodes, {4}));
  for (int i = 0; i < 300; ++i) {
    s.begin_read(leader_);
    s.run_for(10ms);
  }
  expect_the_same(node_id(4));
  EXPECT_LT(sent(leader_, node_id(4)), 900'000u);
  EXPECT_GT(s.nodes().voter_of(node_id(4)).log().purged().index, log_index(20));
}

TEST_F(snapshots_test, several_are_sent_one_at_the_same_time_and_the_others_go_on) {
  auto& s = play(5, 5, 0, 1, 300'000);
  std::vector<node_id> away;
  for (const auto id : s.nodes().ids())
    if (id != leader_ && away.size() < 2) away.push_back(id);
  for (const auto id : away) s.nodes().kill(id);
  write(40);
  forget_the_past();
  const auto term = s.term_of(leader_);
  for (const auto id : away) up_again(id);
  write(40);
  for (const auto id : away) {
    expect_the_same(id);
    EXPECT_GT(s.nodes().voter_of(id).log().purged().index, log_index(20));
  }
  EXPECT_EQ(s.term_of(leader_), term);
}

// Scenario 48: the membership that stands in the log where the snapshot goes counts no more.
TEST_F(snapshots_test, the_membership_of_a_snapshot_rules_over_one_that_was_never_committed) {
  auto& s = play(5, 3, 5);
  const auto old = leader_;
  cut_off(old);
  const auto lost = s.begin(old, change(kind::add_nodes, {5}), 1s);
  s.run_for(100ms);
  EXPECT_TRUE(s.nodes().members_at(old).contains(node_id(5)));
  go_on_without(old);
  s.net().heal();
  expect_the_same(old);
  EXPECT_FALSE(s.nodes().members_at(old).contains(node_id(5)));
  restart(old);
  expect_the_same(old);
  EXPECT_FALSE(s.nodes().members_at(old).contains(node_id(5)));
}

// Scenario 59.
TEST_F(snapshots_test, no_crash_leaves_a_conflicting_tail_behind_a_snapshot) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto& s = play(3, 3, 5, seed);
    const auto old = leader_;
    const auto lost = write_in_vain(old, 60);
    for (int i = 0; i < 20 && s.applied_at(old) < s.applied_at(leader_); ++i) {
      s.nodes().cut_power_soon(old);
      s.run_until([&] { return !s.nodes().is_up(old); }, 200ms);
      if (s.nodes().is_up(old)) s.nodes().cut_power(old);
      up_again(old);
    }
    expect_the_same(old);
    EXPECT_EQ(s.broken(), "");
  }
}

// Scenario 60.
TEST_F(snapshots_test, snapshots_in_quick_succession_while_writes_pour_in_end_in_one_state) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto& s = play(3, 3, 1, seed, 50'000);
    const auto away = left_behind();
    std::vector<pending<outcome>> open;
    up_again(away);
    for (int i = 0; i < 200; ++i) {
      open.push_back(s.begin_write(leader_, 1000));
      s.run_for(2ms);
      if (i % 20 == 10) s.begin(leader_, purge_now{leader_, seen_by(leader_).snapshot});
    }
    EXPECT_GT(seen_by(leader_).snapshot, log_index(150));
    expect_the_same(away);
    for (const auto& o : open) {
      ASSERT_TRUE(s.run_until([&] { return o->has_value(); }, 5s));
      EXPECT_EQ((*o)->code, raft_errc::none);
    }
  }
}

// Scenario 42: a deposed leader's entries are gone with the log that a snapshot replaces.
TEST_F(snapshots_test, clients_of_a_leader_whose_log_a_snapshot_replaces_are_told_the_truth) {
  auto& s = play(3, 3, 5);
  const auto old = leader_;
  const auto lost = write_in_vain(old, 20);
  expect_the_same(old);
  EXPECT_GT(s.nodes().voter_of(old).log().purged().index, log_index(20)) << "by a snapshot";
  for (const auto& o : lost) {
    EXPECT_TRUE(s.run_until([&] { return o->has_value(); }, 10s));
    EXPECT_NE((*o)->code, raft_errc::none);
  }
}

// The file takes three seconds; each cut loses what is under way, and no more.
TEST_F(snapshots_test, a_transfer_is_resumed_where_it_was_when_its_link_broke) {
  auto& s = play(3, 3, 0, 1, 600'000);
  const auto away = left_behind();
  const line slow{200'000, 1ms};
  count(leader_, away, slow);
  up_again(away);
  for (int i = 0; i < 3; ++i) {
    s.run_for(600ms);
    s.net().cut(leader_, away), s.net().cut(away, leader_);
    s.run_for(500ms);
    s.net().heal();
  }
  expect_the_same(away, 20s);
  EXPECT_LT(sent(leader_, away), 900'000u);
}

TEST_F(snapshots_test, who_has_no_room_for_a_snapshot_is_tried_ever_more_rarely) {
  auto& s = play(3, 3, 0, 1, 600'000);
  const auto away = left_behind();
  s.nodes().fill_disk(away);
  count(leader_, away);
  up_again(away);
  s.run_for(60s);
  const auto at_first = sent(leader_, away);
  s.run_for(60s);
  EXPECT_LT(sent(leader_, away) - at_first, 1'500'000u) << "some pieces each five seconds";
  s.nodes().give_room(away);
  expect_the_same(away, 10s);
}

// Scenario 61: what the new leader sends is another snapshot.
TEST_F(snapshots_test, a_new_leader_begins_anew_and_nothing_is_mixed) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto& s = play(3, 3, 0, seed, 400'000);
    const auto away = left_behind();
    write(5);  // so that the two snapshots are different
    for (const auto id : s.nodes().ids()) count(id, away, {400'000, 1ms});
    up_again(away);
    s.run_for(400ms);
    EXPECT_TRUE(seen_by(away).receiving);
    const auto old = leader_;
    ASSERT_EQ(order(transfer{}), raft_errc::none);
    leader_ = s.await_leader();
    EXPECT_NE(leader_, old);
    expect_the_same(away, 30s);
  }
}

// Scenario 63, the second half.
TEST_F(snapshots_test, a_learner_joins_although_the_log_is_purged_faster_than_it_loads) {
  auto& s = play(4, 3, 5, 1, 200'000);
  write(40);
  forget_the_past(node_id(4));
  for (const auto id : s.nodes().ids()) count(id, node_id(4), {500'000, 5ms});
  const auto joined = s.begin(leader_, change(kind::add_nodes, {4}));
  bool there = false;
  for (int i = 0; i < 300 && !there; ++i) {
    write(2, 1000);
    s.run_for(10ms);
    there = s.nodes().voter_of(node_id(4)).log().last_index() + 20 >= seen_by(leader_).last.index;
  }
  EXPECT_TRUE(there);
  expect_the_same(node_id(4));
}

TEST_F(snapshots_test, an_operator_has_one_made_and_the_log_purged) {
  auto& s = play(3, 3, 0);
  write(20);
  const auto follower = a_follower();
  EXPECT_EQ(order(purge_now{follower, log_index(5)}), raft_errc::not_allowed)
      << "no snapshot covers it";
  ASSERT_EQ(order(snapshot_now{follower}), raft_errc::none);
  EXPECT_EQ(reply_.at.index, seen_by(follower).snapshot);
  EXPECT_GT(reply_.at.index, log_index(15));
  ASSERT_EQ(order(snapshot_now{follower}), raft_errc::none) << "the same again";
  ASSERT_EQ(order(purge_now{follower, log_index(5)}), raft_errc::none);
  EXPECT_EQ(seen_by(leader_).snapshot, log_index(0)) << "only where it was asked for";
  EXPECT_EQ(order(snapshot_now{node_id(9)}), raft_errc::not_allowed);
  write(1);
  restart(follower);
  expect_the_same(follower);
  EXPECT_EQ(s.of(follower).snapshot, seen_by(follower).snapshot);
}

TEST_F(snapshots_test, the_policy_changes_while_the_node_runs) {
  auto& s = play(1, 1, 0);
  write(20);
  s.run_for(100ms);
  EXPECT_EQ(seen_by(leader_).snapshot, log_index(0));
  configure c;
  c.compaction = s.nodes().options().compaction;
  c.compaction->snapshot_after_entries = 10;
  raft handle = s.nodes().handle_of(leader_);
  caf::anon_send(handle.server(), c);
  write(2);
  EXPECT_TRUE(s.run_until([&] { return seen_by(leader_).snapshot > log_index(10); }, 1s));
  EXPECT_TRUE(s.run_until([&] { return seen_by(leader_).purged > log_index(10); }, 1s));
}

}  // namespace
}  // namespace troupe::sim
