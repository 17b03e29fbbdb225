#include "actors/core/pace.h"

#include <gtest/gtest.h>

#include "actors/core/backoff.h"

namespace troupe::core {
namespace {

using std::chrono::milliseconds;
constexpr instant begin{std::chrono::hours(1)};

TEST(pace, bytes_go_as_fast_as_the_rate_and_no_faster) {
  pace p{byte_count(1000)};
  EXPECT_TRUE(p.may_go(begin));
  instant now = begin;
  uint64_t bytes = 0;
  for (; now < begin + std::chrono::seconds(10); now += milliseconds(7))
    if (p.may_go(now)) p.went(100, now), bytes += 100;
  EXPECT_NEAR(static_cast<double>(bytes), 10'000, 800);
}

TEST(pace, what_was_not_used_is_not_saved_up) {
  pace p{byte_count(1000)};
  p.went(100, begin);
  const auto later = begin + std::chrono::minutes(1);
  p.went(100, later);
  EXPECT_FALSE(p.may_go(later));
  EXPECT_EQ(p.next(), later + milliseconds(100));
}

TEST(pace, without_a_rate_nothing_waits) {
  pace p;
  p.went(UINT64_MAX, begin);
  EXPECT_TRUE(p.may_go(begin));
}

TEST(backoff, each_wait_is_twice_the_one_before_between_its_bounds) {
  backoff b(milliseconds(50), milliseconds(300));
  for (const int wait : {50, 100, 200, 300, 300}) EXPECT_EQ(b.next(), milliseconds(wait));
  b.reset();
  EXPECT_EQ(b.next(), milliseconds(50));
}

}  // namespace
}  // namespace troupe::core
