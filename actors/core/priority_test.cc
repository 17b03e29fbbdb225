#include "actors/core/priority.h"

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr timing usual;
constexpr duration timeout = usual.election_timeout_max;
constexpr uint32_t most = UINT32_MAX;

TEST(priority_test, the_most_preferred_never_waits_and_without_priorities_nobody_does) {
  for (uint64_t failed = 0; failed < 5; ++failed) {
    EXPECT_EQ(priority_delay(0, 0, failed, usual), duration::zero());
    EXPECT_EQ(priority_delay(7, 7, failed, usual), duration::zero());
    EXPECT_EQ(priority_delay(8, 7, failed, usual), duration::zero());
    EXPECT_EQ(priority_delay(most, most, failed, usual), duration::zero());
  }
}

TEST(priority_test, the_delay_halves_with_each_failure_and_is_gone_at_the_third) {
  EXPECT_EQ(priority_delay(0, 1, 0, usual), timeout);
  EXPECT_EQ(priority_delay(0, 1, 1, usual), timeout / 2);
  EXPECT_EQ(priority_delay(0, 1, 2, usual), timeout / 4);
  for (uint64_t failed : {uint64_t{3}, uint64_t{4}, uint64_t{64}, UINT64_MAX})
    EXPECT_EQ(priority_delay(0, most, failed, usual), duration::zero());
}

TEST(priority_test, who_is_preferred_less_waits_longer_and_never_beyond_one_timeout) {
  for (uint32_t greatest : {1u, 3u, 100u, most})
    for (uint64_t failed = 0; failed < 3; ++failed) {
      auto before = timeout + duration(1);
      for (uint32_t own : {0u, greatest / 3, greatest / 2, greatest - greatest / 3}) {
        const auto delay = priority_delay(own, greatest, failed, usual);
        EXPECT_LE(delay, timeout);
        EXPECT_GE(delay, duration::zero());
        EXPECT_LE(delay, before) << own << " of " << greatest;
        before = delay;
      }
    }
}

}  // namespace
}  // namespace troupe::core
