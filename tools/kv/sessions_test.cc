#include "tools/kv/sessions.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace troupe::kv {
namespace {

TEST(sessions, keep_the_last_sequence_and_its_answer) {
  sessions s;
  EXPECT_EQ(s.use("a"), nullptr);
  s.keep("a", 1, "one");
  s.keep("a", 5, "five");
  ASSERT_NE(s.use("a"), nullptr);
  EXPECT_EQ(s.use("a")->sequence, 5u);
  EXPECT_EQ(s.use("a")->answer, "five");
  EXPECT_EQ(s.entries().size(), 1u);
}

TEST(sessions, no_id_is_given_twice_though_it_was_forgotten) {
  sessions s({.count = 1});
  EXPECT_EQ(s.open(), "@1");
  EXPECT_EQ(s.open(), "@2");
  EXPECT_EQ(s.use("@1"), nullptr);
  ASSERT_NE(s.use("@2"), nullptr);
  EXPECT_EQ(s.use("@2")->sequence, 0u);
  EXPECT_TRUE(sessions::is_given("@1"));
  EXPECT_FALSE(sessions::is_given("1"));
  EXPECT_FALSE(sessions::is_given(""));
}

TEST(sessions, a_long_answer_pushes_out_as_many_as_it_must) {
  const size_t small = sessions::overhead + 2;
  sessions s({.count = 100, .bytes = 4 * small});
  for (const auto* id : {"a", "b", "c", "d"}) s.keep(id, 1, "x");
  EXPECT_EQ(s.bytes(), 4 * small);
  s.keep("d", 2, std::string(1 + small, 'x'));
  EXPECT_EQ(s.use("a"), nullptr);
  EXPECT_EQ(s.bytes(), 4 * small);
  // One that is larger than the bound stays: it is the one in use.
  s.keep("e", 1, std::string(9 * small, 'x'));
  EXPECT_EQ(s.entries().size(), 1u);
  s.keep("e", 2, "x");
  EXPECT_EQ(s.bytes(), small);
}

// What `sessions` is, without an index and without counting bytes up and down.
struct model {
  sessions_bounds bounds;
  std::vector<sessions::entry> known;

  size_t bytes() const {
    size_t sum = 0;
    for (const auto& e : known) sum += e.id.size() + e.answer.size() + sessions::overhead;
    return sum;
  }
  bool use(std::string_view id) {
    const auto it = std::ranges::find(known, id, &sessions::entry::id);
    if (it == known.end()) return false;
    std::rotate(it, it + 1, known.end());
    return true;
  }
  void keep(std::string_view id, uint64_t sequence, std::string_view answer) {
    if (!use(id)) known.push_back({std::string(id), 0, {}});
    known.back() = {std::string(id), sequence, std::string(answer)};
    while (known.size() > bounds.count || bytes() > bounds.bytes) known.erase(known.begin());
  }
};

TEST(sessions, the_one_used_longest_ago_is_forgotten_first) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const sessions_bounds bounds{.count = 2 + random() % 30, .bytes = 1000 + random() % 5000};
    sessions s(bounds);
    model m{bounds, {}};
    for (uint64_t n = 1; n <= 5000; ++n) {
      const std::string id(1 + random() % 40, static_cast<char>('a' + random() % 3));
      if (random() % 3 == 0) {
        ASSERT_EQ(s.use(id) != nullptr, m.use(id));
      } else {
        const std::string answer(random() % (random() % 10 == 0 ? 800 : 20), 'x');
        s.keep(id, n, answer);
        m.keep(id, n, answer);
      }
      ASSERT_EQ(s.bytes(), m.bytes());
      ASSERT_TRUE(std::ranges::equal(s.entries(), m.known, [](const auto& a, const auto& b) {
        return a.id == b.id && a.sequence == b.sequence && a.answer == b.answer;
      }));
    }
  }
}

}  // namespace
}  // namespace troupe::kv
