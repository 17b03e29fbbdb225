// Disks that are full, of a leader, a follower and all: nothing is acknowledged that is not there,
// reads go on, and so do writes as soon as there is room. Scenario 70.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class full_disk_test : public members_scene {
 protected:
  bool full(node_id id) const { return stage_->nodes().handle_of(id).metrics().disk_full; }
  // Writes until the disks of `ids` are full; what the last one was answered.
  raft_errc fill(const std::vector<node_id>& ids) {
    auto& s = *stage_;
    for (const auto id : ids) s.nodes().fill_disk(id);
    raft_errc last = raft_errc::none;
    for (int i = 0; i < 200 && !std::ranges::all_of(ids, [&](auto id) { return full(id); }); ++i) {
      last = s.write(s.leader(), 1s).code;
      // The one that is full first gives the leadership to another.
      if (last != raft_errc::none) s.run_for(50ms);
    }
    for (const auto id : ids) EXPECT_TRUE(full(id)) << id;
    return last;
  }
};

TEST_F(full_disk_test, a_leader_without_room_makes_way_for_who_has_some) {
  auto& s = play(3, 3);
  const auto before = leader_;
  fill({before});
  ASSERT_TRUE(s.run_until([&] { return s.leader() && s.leader() != before; }, 1s));
  EXPECT_EQ(s.write(s.leader()).code, raft_errc::none);
  EXPECT_TRUE(s.nodes().is_up(before));
  s.nodes().give_room(before);
  const auto has_all = [&] { return s.applied_at(before) == s.applied_at(s.leader()); };
  EXPECT_TRUE(s.run_until([&] { return has_all() && !full(before); }, 10s));
}

TEST_F(full_disk_test, a_follower_without_room_holds_up_nobody_and_catches_up) {
  auto& s = play(3, 3);
  const auto follower = a_follower();
  fill({follower});
  const auto term = s.term_of(leader_);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(s.write(leader_, 50ms).code, raft_errc::none) << i;
  s.run_for(2s);
  EXPECT_EQ(s.term_of(leader_), term);
  EXPECT_EQ(s.leader(), leader_);
  EXPECT_LT(s.applied_at(follower), s.applied_at(leader_));
  s.nodes().give_room(follower);
  const auto has_all = [&] { return s.applied_at(follower) == s.applied_at(leader_); };
  EXPECT_TRUE(s.run_until(has_all, 10s));
}

TEST_F(full_disk_test, where_nobody_has_room_writes_are_refused_and_reads_answered) {
  auto& s = play(3, 3);
  fill(s.nodes().ids());
  ASSERT_TRUE(s.run_until([&] { return s.leader() != node_id(); }, 5s));
  const auto leader = s.leader();
  const auto term = s.term_of(leader);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(s.write(leader).code, raft_errc::read_only);
    EXPECT_EQ(s.read(leader).code, raft_errc::none);
    s.run_for(100ms);
  }
  EXPECT_EQ(s.leader(), leader);
  EXPECT_EQ(s.term_of(leader), term) << "they do not hand it around";
  for (const auto id : s.nodes().ids()) s.nodes().give_room(id);
  EXPECT_TRUE(s.write_somewhere(10s));
}

TEST_F(full_disk_test, who_has_no_room_still_votes) {
  auto& s = play(3, 3);
  const auto voter = a_follower();
  fill({voter});
  s.nodes().kill(leader_);
  EXPECT_TRUE(s.run_until([&] { return s.leader() && s.leader() != voter; }, 5s));
}

TEST_F(full_disk_test, a_member_is_removed_without_room) {
  auto& s = play(3, 3);
  fill(s.nodes().ids());
  EXPECT_EQ(order(change(kind::remove_nodes, {a_follower().value})), raft_errc::none) << reply_.why;
}

}  // namespace
}  // namespace troupe::sim
