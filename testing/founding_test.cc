// How a cluster begins again, or does not: voters that lose their disks in its first moments, when
// nobody knows yet which disks they had. Scenario 29.
#include "testing/members_scene.h"

namespace troupe::sim {
namespace {

// All five have the first membership and no more. `apart` are cut off from the others, one of whom
// is elected, and is cut off in turn before it says anything to anybody.
class founding_test : public members_scene {
 protected:
  void cut_both(node_id a, node_id b) { stage_->net().cut(a, b), stage_->net().cut(b, a); }
  void play_first_moments(size_t nodes) {
    stage_ = std::make_unique<stage>(present(nodes, nodes));
    auto& s = *stage_;
    const auto began = [&](node_id id) { return !s.nodes().members_at(id).empty(); };
    ASSERT_TRUE(s.run_until([&] { return std::ranges::all_of(s.nodes().ids(), began); }, 5s));
  }
  // Of 1 to 3; 4 and 5 hear nothing.
  void elect_one_of_three(std::initializer_list<uint64_t> apart) {
    auto& s = *stage_;
    for (const auto far : ids(apart))
      for (const auto id : s.nodes().ids()) cut_both(far, id);
    ASSERT_TRUE(s.run_until([&] { return !s.nodes().leading().empty(); }, 5s));
    leader_ = s.nodes().leading().front();
    for (const auto id : s.nodes().ids())
      if (!ids(apart).contains(id) && id != leader_) (a_ ? b_ : a_) = id;
  }
  void elections(node_id id, bool on) {
    raft handle = stage_->nodes().handle_of(id);
    handle.enable_elections(on);
  }

  node_id a_, b_;
};

// One disk of five is lost. The leader that the wiped node elected is there, and has a later vote.
TEST_F(founding_test, a_voter_that_lost_its_disk_does_not_forget_whom_it_elected) {
  play_first_moments(5);
  auto& s = *stage_;
  elect_one_of_three({1, 2});
  const auto cut_off = leader_, wiped = a_, witness = b_;
  for (const auto id : s.nodes().ids()) cut_both(cut_off, id);
  s.nodes().wipe(wiped);
  // All but the leader are there; 1 and 2 do not reach the third one that voted.
  s.net().heal();
  for (const auto id : s.nodes().ids()) cut_both(cut_off, id);
  for (const uint64_t id : {1, 2}) cut_both(node_id(id), witness);
  up_again(wiped);
  s.write_somewhere(5s);
  // Now the others are back, and what was acknowledged must be there still.
  for (const auto id : s.nodes().up())
    if (id != cut_off) elections(id, false);
  for (const uint64_t id : {1, 2})
    if (s.nodes().leadership_of(node_id(id)) != nullptr) s.nodes().kill(node_id(id));
  s.run_for(1s);
  s.net().heal();
  s.write_somewhere(5s);
}

// One disk of five is lost: what it acknowledged is counted when it has long begun again.
TEST_F(founding_test, a_voter_that_lost_its_disk_does_not_begin_while_its_word_may_be_counted) {
  play_first_moments(5);
  auto& s = *stage_;
  elect_one_of_three({4, 5});
  const auto wiped = a_, late = b_;
  s.net().set_line(leader_, late, {0, 150ms});
  const auto answer = s.begin_write(leader_);
  const auto held = [&] {
    const auto* l = s.nodes().leadership_of(leader_);
    return l != nullptr && l->last().last.index >= log_index(3) &&
           l->durable(wiped) == l->last().last;
  };
  ASSERT_TRUE(s.run_until(held, 100ms));
  s.nodes().wipe(wiped);
  s.net().heal();
  for (const auto id : s.nodes().ids())
    if (id != late) cut_both(leader_, id);
  for (const uint64_t id : {4, 5}) cut_both(node_id(id), late);
  up_again(wiped);
  s.run_until([&] { return answer->has_value(); }, 500ms);
  s.write_somewhere(5s);
}

// Two disks of five are lost, which is a minority, and the third one that has the write is down.
TEST_F(founding_test, two_of_five_that_lost_their_disks_are_no_proof_for_each_other) {
  play_first_moments(5);
  auto& s = *stage_;
  elect_one_of_three({4, 5});
  ASSERT_EQ(s.write(leader_).code, raft_errc::none);
  for (const auto id : {leader_, a_, b_}) s.nodes().kill(id);
  s.nodes().wipe(a_);
  s.nodes().wipe(b_);
  s.net().heal();
  up_again(a_);
  up_again(b_);
  EXPECT_FALSE(s.write_somewhere(5s)) << "the third one may have a write";
  up_again(leader_);
  EXPECT_TRUE(s.write_somewhere(5s));
}

// One disk of three is lost, while the grant is still on its way.
TEST_F(founding_test, a_grant_of_a_voter_that_lost_its_disk_does_not_arrive_after_it_began_again) {
  play_first_moments(3);
  auto& s = *stage_;
  const node_id first(1), wiped(2), late(3);
  for (const auto id : s.nodes().ids()) cut_both(first, id);
  const auto granted = [&] { return s.nodes().voter_of(wiped).saved().leader.node == late; };
  elections(wiped, false);
  ASSERT_TRUE(s.run_until(granted, 5s));
  s.net().set_line(wiped, late, {0, 120ms});
  s.run_for(50us);
  s.net().set_line(wiped, late, {});
  s.nodes().wipe(wiped);
  s.net().heal();
  cut_both(first, late);
  up_again(wiped);
  elections(wiped, false);
  const auto led = [&] { return s.nodes().leadership_of(first) != nullptr; };
  s.run_until(led, 110ms);
  s.run_for(1s);
}

// The first members were 1 and 2. 2 was removed by the book, erased, and started with its old
// flags; then one of the three members loses its disk.
TEST_F(founding_test, a_wiped_member_and_an_erased_one_that_was_removed_do_not_begin_again) {
  auto& s = play(4, 2);
  ASSERT_EQ(order(change(kind::add_voters, {3, 4})), raft_errc::none) << reply_.why;
  ASSERT_EQ(order(transfer{node_id(3)}), raft_errc::none) << reply_.why;
  ASSERT_EQ(order(change(kind::remove_nodes, {2})), raft_errc::none) << reply_.why;
  ASSERT_TRUE(s.write_somewhere(5s));
  s.nodes().wipe(node_id(2));
  up_again(node_id(2));
  s.run_for(1s);
  s.nodes().wipe(node_id(1));
  up_again(node_id(1));
  s.run_for(2s);
  restart(node_id(2));
  s.run_for(2s);
  for (const auto id : {node_id(1), node_id(2)})
    EXPECT_EQ(s.nodes().leadership_of(id), nullptr) << id << " leads a second cluster";
}

}  // namespace
}  // namespace troupe::sim
