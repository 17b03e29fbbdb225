#include "tools/kv/table.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace troupe::kv {
namespace {

TEST(table, behaves_like_a_map) {
  std::mt19937_64 random(3);
  table t;
  std::map<std::string, std::string> model;
  for (int round = 0; round < 300'000; ++round) {
    // The key set breathes, so that the table grows and shrinks.
    const uint64_t range = (round / 30'000) % 2 == 0 ? 20'000 : 10;
    const std::string key = std::to_string(random() % 20'000);
    if (random() % 20'000 < range) {
      const std::string value = std::to_string(random());
      t.put(key, value);
      model[key] = value;
    } else {
      ASSERT_EQ(t.erase(key), model.erase(key) == 1);
    }
    const auto it = model.find(key);
    const auto found = t.find(key);
    ASSERT_EQ(found.has_value(), it != model.end());
    if (found) {
      ASSERT_EQ(t.read(*found), it->second);
    }
    ASSERT_EQ(t.size(), model.size());
  }
  t.clear();
  EXPECT_EQ(t.size(), 0u);
  EXPECT_FALSE(t.find("1"));
}

TEST(table, the_hash_is_the_same_for_ever) {
  EXPECT_EQ(table::hash_of(""), 0x2d06800538d3u);
  EXPECT_LT(table::hash_of("key"), table::hash_limit);
}

// Scans while `disturb` changes other keys; the keys "stays:N" must come exactly once.
template <class Disturb>
void scan_under(int stays, uint64_t count, Disturb&& disturb) {
  table t;
  for (int i = 0; i < stays; ++i) t.put("stays:" + std::to_string(i), "");
  std::multiset<std::string> seen;
  uint64_t cursor = 0;
  do {
    cursor = t.scan(
        cursor, count,
        [&](std::string_view key) {
          if (key.starts_with("stays:")) seen.emplace(key);
        },
        [] { return true; });
    ASSERT_LT(cursor, table::hash_limit);
    disturb(t);
  } while (cursor != 0);
  ASSERT_EQ(seen.size(), static_cast<size_t>(stays));
  for (int i = 0; i < stays; ++i) ASSERT_EQ(seen.count("stays:" + std::to_string(i)), 1u);
}

TEST(table, a_scan_returns_what_stays_exactly_once_while_the_table_grows) {
  int added = 0;
  scan_under(1000, 10, [&](table& t) {
    for (int i = 0; i < 500 && added < 20'000; ++i) t.put("new:" + std::to_string(added++), "");
  });
}

TEST(table, a_scan_returns_what_stays_exactly_once_while_the_table_breathes) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    int added = 0;
    int erased = 0;
    scan_under(100, 1 + seed % 7, [&](table& t) {
      // A table that grew faster for ever than its pages are read would never be read to its end.
      if (random() % 2 == 0 && added < 40'000) {
        for (int i = 0; i < 2000; ++i) t.put("other:" + std::to_string(added++), "");
      } else {
        while (erased < added) t.erase("other:" + std::to_string(erased++));
      }
    });
  }
}

TEST(table, pages_depend_on_the_keys_alone) {
  table grown, shrunk;
  for (int i = 0; i < 50'000; ++i) shrunk.put("gone:" + std::to_string(i), "");
  for (int i = 0; i < 3000; ++i) grown.put(std::to_string(i), "");
  for (int i = 3000; i-- > 0;) shrunk.put(std::to_string(i), "");
  for (int i = 0; i < 50'000; ++i) shrunk.erase("gone:" + std::to_string(i));
  std::string pages[2];
  for (const uint64_t count : {1u, 7u, 1000u}) {
    for (uint64_t cursor = 0, last = 0, first = true; first || cursor != 0; first = false) {
      uint64_t next[2];
      for (const auto i : {0, 1}) {
        pages[i].clear();
        const auto visit = [&](std::string_view key) {
          EXPECT_GE(store::hash_of(key), last);
          pages[i].append(key).append(" ");
        };
        next[i] = (i == 0 ? grown : shrunk).scan(cursor, count, visit, [] { return true; });
      }
      ASSERT_EQ(pages[0], pages[1]);
      ASSERT_EQ(next[0], next[1]);
      last = cursor = next[0];
    }
  }
}

TEST(table, a_cursor_out_of_range_ends_the_scan) {
  table t;
  t.put("k", "");
  const auto visit = [](std::string_view) { FAIL(); };
  EXPECT_EQ(t.scan(table::hash_limit, 1, visit, [] { return true; }), 0u);
  EXPECT_EQ(t.scan(-1, 1, visit, [] { return true; }), 0u);
}

}  // namespace
}  // namespace troupe::kv
