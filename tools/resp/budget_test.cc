#include "tools/resp/budget.h"

#include <gtest/gtest.h>

namespace troupe::resp {
namespace {

constexpr size_t kept = budget::free_bytes;

struct member {
  explicit member(budget& of) : share(of, [this] { ++woken; }) {}
  int woken = 0;
  budget::share share;
};

TEST(budget, what_is_small_counts_for_nothing) {
  budget b(100);
  member one(b);
  member two(b);
  EXPECT_TRUE(one.share.try_hold(kept + 100));
  EXPECT_TRUE(two.share.try_hold(kept));
  EXPECT_EQ(b.used(), 100u);
  EXPECT_FALSE(two.share.pressed());
  EXPECT_TRUE(one.share.pressed());
}

TEST(budget, who_waits_is_served_in_order) {
  budget b(100);
  member holder(b);
  member large(b);
  member little(b);
  EXPECT_TRUE(holder.share.try_hold(kept + 60));
  EXPECT_FALSE(large.share.try_hold(kept + 80));
  EXPECT_FALSE(little.share.try_hold(kept + 10)) << "there is room, but not before others";
  EXPECT_TRUE(b.crowded());
  holder.share.hold(kept + 50);
  EXPECT_EQ(large.woken, 0);
  holder.share.hold(kept + 20);
  holder.share.hold(kept + 10);
  EXPECT_EQ(large.woken, 1) << "once";
  EXPECT_EQ(little.woken, 0);
  EXPECT_TRUE(large.share.try_hold(kept + 80));
  EXPECT_EQ(little.woken, 1);
  EXPECT_TRUE(little.share.try_hold(kept + 10));
  EXPECT_FALSE(b.crowded());
}

TEST(budget, who_leaves_the_line_makes_way) {
  budget b(100);
  member holder(b);
  member next(b);
  {
    member large(b);
    EXPECT_TRUE(holder.share.try_hold(kept + 60));
    EXPECT_FALSE(large.share.try_hold(kept + 80));
    EXPECT_FALSE(next.share.try_hold(kept + 40));
    EXPECT_EQ(next.woken, 0);
  }
  EXPECT_EQ(next.woken, 1);
  EXPECT_TRUE(next.share.try_hold(kept + 40));
}

TEST(budget, who_is_alone_may_have_more_than_there_is) {
  budget b(100);
  member one(b);
  member two(b);
  EXPECT_TRUE(one.share.try_hold(kept + 1000));
  EXPECT_FALSE(two.share.try_hold(kept + 1));
  one.share.hold(0);
  EXPECT_EQ(two.woken, 1);
}

}  // namespace
}  // namespace troupe::resp
