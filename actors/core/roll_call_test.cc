#include "actors/core/roll_call.h"

#include <gtest/gtest.h>

#include "actors/core/acceptor.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr instant due = time_zero + ms(1000);
constexpr instant first_call = due - ms(75);  // half the least election timeout before
const node_id self(1);

vote_reply from(uint64_t id, bool led = false) {
  vote_reply r;
  r.from = node_id(id);
  r.led = led;
  return r;
}

roll_call called(const std::vector<uint64_t>& answer, instant when = first_call) {
  roll_call r{timing{}};
  r.on_called(first_call);
  for (const auto id : answer) r.on_reply(from(id), when);
  return r;
}

TEST(roll_call_test, it_is_called_in_time_before_the_node_may_stand) {
  const roll_call r{timing{}};
  EXPECT_EQ(r.next(majority_of(3), self, due, time_zero), first_call);
  EXPECT_EQ(r.look(majority_of(3), self, due, time_zero), roll_call::action::wait);
  EXPECT_EQ(r.look(majority_of(3), self, due, first_call), roll_call::action::call);
}

TEST(roll_call_test, who_reaches_an_election_quorum_stands_when_its_time_has_come) {
  const auto r = called({2});
  EXPECT_TRUE(r.quorate(majority_of(3), self, due));
  EXPECT_EQ(r.next(majority_of(3), self, due, first_call), due);
  EXPECT_EQ(r.look(majority_of(3), self, due, first_call), roll_call::action::wait);
  EXPECT_EQ(r.look(majority_of(3), self, due, due), roll_call::action::stand);
}

TEST(roll_call_test, two_of_five_do_not_stand_and_call_again) {
  const auto r = called({2});
  EXPECT_FALSE(r.quorate(majority_of(5), self, due));
  EXPECT_EQ(r.next(majority_of(5), self, due, first_call), due);
  EXPECT_EQ(r.look(majority_of(5), self, due, first_call), roll_call::action::wait);
  EXPECT_EQ(r.look(majority_of(5), self, due, due), roll_call::action::call);
  roll_call again = r;
  again.on_called(due);
  EXPECT_EQ(again.next(majority_of(5), self, due, due), due + ms(75));
}

TEST(roll_call_test, an_answer_that_comes_late_counts_at_once) {
  auto r = called({});
  r.on_reply(from(3), due + ms(20));
  EXPECT_EQ(r.look(majority_of(3), self, due, due + ms(20)), roll_call::action::stand);
  EXPECT_EQ(r.next(majority_of(3), self, due, due + ms(20)), due);
}

// It would refuse a vote, and others might not.
TEST(roll_call_test, who_hears_a_leader_is_not_counted) {
  auto r = called({2});
  r.on_reply(from(2, /*led=*/true), first_call);
  EXPECT_FALSE(r.quorate(majority_of(3), self, due));
}

TEST(roll_call_test, an_answer_does_not_count_for_ever) {
  const auto r = called({2, 3}, time_zero);
  EXPECT_TRUE(r.quorate(majority_of(3), self, time_zero + ms(150)));
  EXPECT_FALSE(r.quorate(majority_of(3), self, time_zero + ms(151)));
}

TEST(roll_call_test, a_single_voter_waits_for_nobody) {
  EXPECT_TRUE(roll_call{timing{}}.quorate(majority_of(1), self, due));
}

TEST(roll_call_test, of_a_joint_membership_it_takes_a_quorum_of_each) {
  const membership joint({quorum::majority({node_id(1), node_id(2), node_id(3)}),
                          quorum::majority({node_id(1), node_id(4), node_id(5)})},
                         addresses_of(5));
  EXPECT_FALSE(called({2, 3}).quorate(joint, self, due));
  EXPECT_TRUE(called({2, 4}).quorate(joint, self, due));
}

TEST(roll_call_test, every_other_voter_is_called) {
  std::set<node_id> called;
  for (const auto& m : roll(majority_of(3), self)) called.insert(m.to);
  EXPECT_EQ(called, (std::set<node_id>{node_id(2), node_id(3)}));
}

TEST(roll_call_test, a_call_binds_nobody) {
  const auto call = roll(majority_of(2), self, {}, 7).front();
  for (const auto mode : {vote_mode::standard, vote_mode::advanced}) {
    const acceptor voter({node_id(2), won(1, 3), {}, 7}, {}, mode, time_zero, ms(200));
    for (const auto when : {time_zero, due}) {
      const auto decision = voter.on_vote_request(call, {}, false, when);
      ASSERT_TRUE(std::holds_alternative<vote_refusal>(decision));
      EXPECT_EQ(std::get<vote_refusal>(decision).reply.led, when == time_zero);
    }
  }
}

}  // namespace
}  // namespace troupe::core
