#include "actors/core/compaction.h"

#include <vector>

#include <gtest/gtest.h>

namespace troupe::core {
namespace {

growth grown(uint64_t entries, uint64_t bytes, uint64_t size = 0) {
  return {entries, byte_count(bytes), byte_count(size)};
}

TEST(compaction_test, a_snapshot_is_due_by_entries_or_by_bytes) {
  const compaction both{100, byte_count(5000), 0};
  EXPECT_FALSE(snapshot_is_due(both, grown(99, 4999)));
  EXPECT_TRUE(snapshot_is_due(both, grown(100, 1)));
  EXPECT_TRUE(snapshot_is_due(both, grown(1, 5000)));
  EXPECT_FALSE(snapshot_is_due({100, byte_count(0), 0}, grown(99, 1'000'000)));
  EXPECT_FALSE(snapshot_is_due({0, byte_count(5000), 0}, grown(1'000'000, 4999)));
}

TEST(compaction_test, never_is_a_policy) {
  EXPECT_FALSE(snapshot_is_due({0, byte_count(0), 0}, grown(1'000'000'000, 1'000'000'000)));
}

TEST(compaction_test, a_snapshot_is_not_made_for_less_log_than_it_is_large) {
  const compaction policy{10, byte_count(0), 0};
  EXPECT_FALSE(snapshot_is_due(policy, grown(10, 999, 1000)));
  EXPECT_TRUE(snapshot_is_due(policy, grown(10, 1000, 1000)));
}

log_index point(uint64_t keep, uint64_t snapshot, uint64_t before, std::vector<uint64_t> ends) {
  compaction policy;
  policy.keep_entries = keep;
  std::vector<log_index> needed;
  for (const auto end : ends) needed.emplace_back(end);
  return purge_point(policy, log_index(snapshot), log_index(before), needed);
}

TEST(compaction_test, the_tail_stays) {
  EXPECT_EQ(point(10, 100, 50, {}), log_index(90));
  EXPECT_EQ(point(0, 100, 50, {}), log_index(100));
  EXPECT_EQ(point(1000, 100, 50, {}), log_index(0));
}

TEST(compaction_test, what_a_follower_that_answers_lacks_stays_back_to_the_snapshot_before) {
  EXPECT_EQ(point(0, 100, 50, {99, 70, 200}), log_index(70));
  EXPECT_EQ(point(0, 100, 50, {99, 7}), log_index(50)) << "it gets the snapshot";
  EXPECT_EQ(point(10, 100, 50, {95}), log_index(90));
  EXPECT_EQ(point(0, 100, 0, {7}), log_index(7));
}

}  // namespace
}  // namespace troupe::core
