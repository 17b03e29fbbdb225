// Changes of the membership rest while the leadership is handed over: the successor has the whole
// log, and what it finds half done it finishes.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

class members_handover_test : public members_scene {
 protected:
  bool joint_at(node_id id) const {
    const auto* leading = stage_->nodes().leadership_of(id);
    return leading != nullptr && leading->members().joint();
  }
};

TEST_F(members_handover_test,
       a_change_of_the_members_is_neither_begun_nor_aborted_during_a_transfer) {
  auto& s = play(4, 3);
  s.net().cut(leader_, a_follower());
  const auto transfers = s.begin(leader_, transfer{a_follower()});
  s.run_for(20ms);
  const auto add = change(kind::add_nodes, {4});
  EXPECT_EQ(s.admin(leader_, add).code, raft_errc::busy);
  EXPECT_EQ(s.admin(leader_, abort_change{}).code, raft_errc::busy);
  ASSERT_EQ(s.admin(leader_, abort_transfer{}).code, raft_errc::none);
  EXPECT_EQ(s.admin(leader_, add).code, raft_errc::none);
}

// A leader that fell left it behind; the next one would finish it, but shall hand over to a node
// that is down.
TEST_F(members_handover_test,
       a_joint_membership_is_left_when_the_transfer_is_aborted_and_not_before) {
  auto& s = play(5, 3);
  const auto fallen = leader_;
  const auto lost = s.begin(fallen, change(kind::replace_voters, {3, 4, 5}, /*retain=*/true));
  ASSERT_TRUE(s.run_until([&] { return joint_at(fallen); }, 2s));
  for (const auto id : s.nodes().ids()) s.net().cut(id, fallen);
  s.run_for(10ms);
  s.nodes().kill(fallen);
  ASSERT_TRUE(s.run_until([&] { return !s.nodes().leading().empty(); }, 5s));
  const auto next = s.nodes().leading().front();
  for (const auto id : s.nodes().ids()) s.net().cut(next, id);
  const auto reply = s.begin(next, transfer{fallen});
  s.run_for(5ms);
  s.net().heal();
  EXPECT_EQ(s.write(next).code, raft_errc::none);
  s.run_for(500ms);
  ASSERT_FALSE(reply->has_value());
  EXPECT_TRUE(joint_at(next) && s.nodes().leadership_of(next)->settled());
  ASSERT_EQ(s.admin(next, abort_transfer{}).code, raft_errc::none);
  EXPECT_TRUE(s.run_until([&] { return !joint_at(next); }, 1s)) << "without a write that follows";
  EXPECT_EQ(s.leader(), next);
}

// A leader that cannot go on hands over; the learner that is to vote catches up meanwhile.
TEST_F(members_handover_test, a_learner_is_not_promoted_by_a_leader_that_makes_way) {
  auto& s = play(4, 3);
  const node_id four(4);
  ASSERT_EQ(s.admin(leader_, change(kind::add_nodes, {4})).code, raft_errc::none);
  s.run_for(200ms);
  s.net().cut(leader_, four);
  s.run_for(s.timing().lease());
  const auto promotion = s.begin(leader_, change(kind::add_voters, {4}));
  s.nodes().stall_disk(leader_, true);
  const auto write = s.begin_write(leader_);
  s.run_for(s.timing().lease() - 20ms);
  const auto cut_from_the_others = [&] {
    for (const auto id : s.nodes().ids())
      if (id != four) s.net().cut(leader_, id);
  };
  cut_from_the_others();
  s.run_for(30ms);  // now it makes way
  s.net().heal();
  cut_from_the_others();
  bool ready = false, joint = false;
  const auto ended = [&] {
    const auto* leading = s.nodes().leadership_of(leader_);
    if (leading == nullptr) return true;
    ready |= leading->keeps_up(four, 100, s.now());
    joint |= joint_at(leader_);
    return false;
  };
  ASSERT_TRUE(s.run_until(ended, 2 * s.timing().lease()));
  EXPECT_TRUE(ready);
  EXPECT_FALSE(joint);
  s.nodes().stall_disk(leader_, false);
  s.net().heal();
  EXPECT_TRUE(s.write_somewhere(5s));
}

}  // namespace
}  // namespace troupe::sim
