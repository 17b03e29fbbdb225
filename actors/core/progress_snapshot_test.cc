// A follower that needs what the leader's log has no more.
#include <gtest/gtest.h>

#include "actors/core/progress.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr leader_id one = led_by(1), two = led_by(2);

// The leader's log: (t1,i100) was purged, then (t2,i6) more.
progress behind_purged() {
  return {log_view(at(one, 100), {{log_index(101), two}}, log_index(106)), {}};
}

uint64_t send(progress& p) {
  const auto step = p.next();
  p.sent(step, step.previous, byte_count(0), time_zero);
  return step.ticket;
}

uint64_t beat(progress& p) {
  const auto step = p.heartbeat();
  p.sent(step, step.previous, byte_count(0), time_zero);
  return step.ticket;
}

progress in_need() {
  auto p = behind_purged();
  p.on_conflict(send(p), at(one, 7));
  p.on_conflict(send(p), at(one, 7));
  EXPECT_EQ(p.how(), progress::mode::snapshot);
  return p;
}

TEST(progress_snapshot_test, who_lacks_the_purged_point_needs_a_snapshot) {
  auto p = behind_purged();
  p.on_conflict(send(p), at(one, 7));
  EXPECT_EQ(p.how(), progress::mode::probing);
  EXPECT_EQ(p.next().previous, at(one, 100));
  p.on_conflict(send(p), at(one, 7));
  EXPECT_EQ(p.how(), progress::mode::snapshot);
}

TEST(progress_snapshot_test, at_the_beginning_of_a_whole_log_nobody_does) {
  progress p{log_of({{one, 4}}), {}};
  for (int i = 0; i < 3; ++i) p.on_conflict(send(p), {});
  EXPECT_EQ(p.how(), progress::mode::probing);
}

// Scenario 31: no spin.
TEST(progress_snapshot_test, until_it_has_one_only_heartbeats_are_sent) {
  auto p = in_need();
  EXPECT_FALSE(p.may_send());
  p.on_conflict(beat(p), at(one, 7));
  EXPECT_FALSE(p.may_send());
  EXPECT_TRUE(p.on_failure(beat(p)));
  EXPECT_FALSE(p.on_time(time_zero + ms(100'000), ms(200)));
  EXPECT_EQ(p.how(), progress::mode::snapshot);
  EXPECT_EQ(p.matched(), log_id{});
}

TEST(progress_snapshot_test, behind_it_comes_the_log) {
  auto p = in_need();
  p.on_log_appended(two, log_index(107));
  p.on_installed(at(two, 104));
  EXPECT_EQ(p.how(), progress::mode::probing);
  ASSERT_TRUE(p.may_send());
  EXPECT_EQ(p.next().previous, at(two, 104));
  p.on_matched(send(p), at(two, 104), time_zero);
  EXPECT_EQ(p.how(), progress::mode::streaming);
  EXPECT_EQ(p.matched(), at(two, 104));
  EXPECT_EQ(p.next_index(), log_index(105));
}

TEST(progress_snapshot_test, who_turns_out_to_match_needs_none) {
  auto p = in_need();
  p.on_matched(beat(p), at(two, 106), time_zero);
  EXPECT_EQ(p.how(), progress::mode::streaming);
  EXPECT_EQ(p.next_index(), log_index(107));
}

// It matches, and what it needs next was purged under the leader's hands: a heartbeat that asked
// for what it has would end each transfer.
TEST(progress_snapshot_test, who_matches_somewhere_before_the_purged_point_stays_in_need) {
  progress p{log_of({{one, 4}, {two, 6}}), {}};
  p.on_matched(send(p), at(one, 2), time_zero);
  p.need_snapshot();
  EXPECT_EQ(p.heartbeat().previous, at(two, 6));
  p.on_conflict(beat(p), at(one, 2));
  EXPECT_EQ(p.how(), progress::mode::snapshot);
}

// The leader's log was purged while it streamed.
TEST(progress_snapshot_test, what_was_under_way_when_the_need_arose_counts_no_more) {
  progress p{log_of({{one, 4}, {two, 6}}), {}};
  p.on_matched(send(p), at(one, 2), time_zero);
  const auto step = p.next();
  p.sent(step, at(two, 6), byte_count(100), time_zero);
  p.need_snapshot();
  p.on_matched(step.ticket, at(two, 6), time_zero);
  EXPECT_EQ(p.how(), progress::mode::snapshot);
  EXPECT_EQ(p.in_flight(), byte_count(0));
}

}  // namespace
}  // namespace troupe::core
