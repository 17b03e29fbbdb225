#include "tools/kv/table_view.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace troupe::kv {
namespace {

// Numbers of views come again; what they marked must not.
TEST(table_view, the_hundred_thousandth_one_has_all_as_the_first) {
  table data;
  for (int i = 0; i < 20; ++i) data.put(std::to_string(i), "x");
  for (int i = 0; i < 100'000; ++i) {
    table_view view(data);
    if (i % 1000 == 0) data.put(std::to_string(i % 20), std::to_string(i));
    size_t seen = 0;
    view.read([&](std::string_view, std::string_view) { ++seen; }, [] { return true; });
    ASSERT_EQ(seen, 20u) << i;
  }
}

// What changes while it is read is read first, so it does not pile up.
TEST(table_view, it_keeps_no_more_than_what_changes_between_two_pieces) {
  table data;
  const std::string value(1000, 'x');
  for (int i = 0; i < 20'000; ++i) data.put(std::to_string(i), value);
  table_view view(data);
  std::mt19937_64 random(5);
  size_t most = 0;
  for (bool more = true; more;) {
    for (int n = 0; n < 30; ++n) data.put(std::to_string(random() % 20'000), "y");
    most = std::max(most, view.kept_bytes());
    size_t bytes = 0;
    more = view.read([&](std::string_view k, std::string_view v) { bytes += k.size() + v.size(); },
                     [&] { return bytes < 64 << 10; });
  }
  EXPECT_LT(most, 64u << 10);
}

// So it is read as fast as the disk takes it (snapshot_source::held).
TEST(table_view, it_says_when_it_alone_has_what_was_in_the_table) {
  table data;
  for (int i = 0; i < 20; ++i) data.put(std::to_string(i), "x");
  table_view view(data);
  EXPECT_FALSE(view.took_over());
  data.clear();
  EXPECT_TRUE(view.took_over());
}

}  // namespace
}  // namespace troupe::kv
