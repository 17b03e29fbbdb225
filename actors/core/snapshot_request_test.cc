// Which snapshots a node takes.
#include <gtest/gtest.h>

#include "actors/core/acceptor.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr leader_id one = led_by(1), two = led_by(2, 3);
constexpr timing quick{ms(150), ms(300), ms(50)};

// n1 follows n3, which leads in term 2; its log is (t1,i4) (t2,i6).
acceptor follower(acceptor::state s = {}) {
  s.id = node_id(1);
  s.saved = won(2, 3);
  if (s.log.last() == log_id{}) s.log = log_of({{one, 4}, {two, 6}});
  s.cluster = 77;
  s.incarnation = 5;
  return {s, quick, vote_mode::advanced, time_zero, ms(200)};
}

snapshot_request up_to(const log_id& last) {
  snapshot_request r;
  r.to = node_id(1);
  r.session.leader = won(2, 3);
  r.cluster = 77;
  r.snapshot = {last, 1000, 1};
  return r;
}

const answered_snapshot& answered(const snapshot_decision& d) {
  return std::get<answered_snapshot>(d);
}

TEST(snapshot_request_test, one_that_goes_beyond_the_log_is_taken_and_its_leader_is_alive) {
  auto a = follower();
  EXPECT_TRUE(std::holds_alternative<accepted_piece>(
      a.on_snapshot_request(up_to(at(two, 9)), time_zero + ms(900))));
  EXPECT_TRUE(a.lease_live(time_zero + ms(901)));
}

TEST(snapshot_request_test, one_that_contradicts_the_uncommitted_end_is_taken) {
  auto a = follower();
  EXPECT_TRUE(
      std::holds_alternative<accepted_piece>(a.on_snapshot_request(up_to(at(two, 4)), time_zero)));
}

TEST(snapshot_request_test, one_that_brings_nothing_is_as_good_as_installed) {
  auto a = follower();
  const auto known = a.on_snapshot_request(up_to(at(two, 5)), time_zero);
  EXPECT_TRUE(answered(known).reply.installed);
  EXPECT_EQ(answered(known).reply.verdict, verdict::matched);
  acceptor::state s;
  s.log = log_view(at(two, 20), {}, log_index(20));
  auto purged = follower(s);
  EXPECT_TRUE(answered(purged.on_snapshot_request(up_to(at(one, 4)), time_zero)).reply.installed);
}

// Scenario 62.
TEST(snapshot_request_test, one_that_contradicts_what_is_committed_is_refused) {
  auto a = follower();
  a.on_committed(log_index(5));
  const auto refused = a.on_snapshot_request(up_to(at(one, 5)), time_zero);
  EXPECT_FALSE(answered(refused).reply.installed);
  EXPECT_EQ(answered(refused).reply.verdict, verdict::failed);
  EXPECT_STREQ(answered(refused).why, "it contradicts a committed entry");
}

TEST(snapshot_request_test, it_is_judged_by_the_rules_of_an_append) {
  auto a = follower();
  auto r = up_to(at(one, 9));
  r.session.leader = won(1, 3);
  EXPECT_EQ(answered(a.on_snapshot_request(r, time_zero)).reply.verdict, verdict::rejected);
  r = up_to(at(two, 9));
  r.session.leader = asked(2, 3);
  EXPECT_EQ(answered(a.on_snapshot_request(r, time_zero)).reply.verdict, verdict::failed);
  r.session.leader = won(4, 2);
  EXPECT_EQ(std::get<save_vote_first>(a.on_snapshot_request(r, time_zero)).wanted, won(4, 2));
  r = up_to(at(two, 9));
  r.cluster = 78;
  EXPECT_STREQ(answered(a.on_snapshot_request(r, time_zero)).why, another_cluster);
  r = up_to(at(two, 9));
  r.to = node_id(2);
  EXPECT_EQ(answered(a.on_snapshot_request(r, time_zero)).reply.verdict, verdict::failed);
  r = up_to(at(two, 9));
  r.incarnation = 6;
  EXPECT_EQ(answered(a.on_snapshot_request(r, time_zero)).reply.verdict, verdict::replaced);
  EXPECT_EQ(answered(a.on_snapshot_request(up_to({}), time_zero)).reply.verdict, verdict::failed);
  EXPECT_EQ(answered(a.on_snapshot_request(up_to(at(led_by(9), 9)), time_zero)).reply.verdict,
            verdict::failed);
}

TEST(snapshot_request_test, what_a_snapshot_covers_is_committed_after_a_restart) {
  acceptor::state s;
  s.compacted = log_index(5);
  EXPECT_EQ(follower(s).committed(), log_index(5));
}

TEST(snapshot_request_test, an_installed_one_is_the_log_and_is_committed) {
  auto a = follower();
  a.on_log_written(log_view(at(two, 9), {}, log_index(9)));
  EXPECT_EQ(a.committed(), log_index(9));
  EXPECT_FALSE(a.lacks(at(two, 9)));
  EXPECT_TRUE(a.lacks(at(two, 10)));
}

}  // namespace
}  // namespace troupe::core
