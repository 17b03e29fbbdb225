#include "tools/kv/glob.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace troupe::kv {
namespace {

TEST(glob, patterns_mean_what_they_mean_in_redis) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*c", "abbbc"));
  EXPECT_FALSE(glob_match("a*c", "abbbcd"));
  EXPECT_TRUE(glob_match("h?llo", "hello"));
  EXPECT_FALSE(glob_match("h?llo", "hllo"));
  EXPECT_TRUE(glob_match("h[ae]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[ae]llo", "hillo"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("h[b-a]llo", "hallo"));
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_TRUE(glob_match("a\\", "a\\"));
  EXPECT_TRUE(glob_match("[a", "a"));
  EXPECT_TRUE(glob_match("*:*:x", "a:b:c:x"));
}

TEST(glob, bytes_are_just_bytes) {
  EXPECT_TRUE(glob_match(std::string("a\0?", 3), std::string("a\0b", 3)));
  EXPECT_TRUE(glob_match("[\x80-\xff]", "\xe4"));
}

TEST(glob, many_stars_do_not_explode) {
  std::string pattern;
  for (int i = 0; i < 300; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(60'000, 'a')));
}

// The obvious recursion, to compare with.
bool slow_match(std::string_view p, std::string_view t) {
  if (p.empty()) return t.empty();
  if (p[0] == '*') return slow_match(p.substr(1), t) || (!t.empty() && slow_match(p, t.substr(1)));
  return !t.empty() && (p[0] == '?' || p[0] == t[0]) && slow_match(p.substr(1), t.substr(1));
}

TEST(glob, agrees_with_plain_recursion) {
  std::mt19937_64 random(11);
  const auto make = [&](std::string_view alphabet, size_t longest) {
    std::string s(random() % (longest + 1), ' ');
    for (char& c : s) c = alphabet[random() % alphabet.size()];
    return s;
  };
  for (int round = 0; round < 100'000; ++round) {
    const std::string pattern = make("ab*?", 8);
    const std::string text = make("ab", 10);
    ASSERT_EQ(glob_match(pattern, text), slow_match(pattern, text)) << pattern << " " << text;
  }
}

TEST(glob, junk_patterns_never_read_outside) {
  std::mt19937_64 random(13);
  for (int round = 0; round < 200'000; ++round) {
    std::string pattern(random() % 8, ' ');
    for (char& c : pattern) c = "[]^-\\*?ab"[random() % 9];
    glob_match(std::string_view(pattern), "ab-]^");
  }
}

}  // namespace
}  // namespace troupe::kv
