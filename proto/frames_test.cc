#include "proto/frames.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace troupe {
namespace {

using strings = std::vector<std::string>;

strings items_of(frames_view view) { return {view.begin(), view.end()}; }

frames framed(const strings& items) {
  frames all;
  for (const auto& item : items) all.add(item);
  return all;
}

const strings samples[] = {
    {}, {""}, {"a"}, {"", "", ""}, {std::string("\0\xff\n", 3), "b"}, {std::string(70'000, 'x')}};

TEST(frames_test, what_was_added_comes_back_in_order) {
  for (const auto& items : samples) {
    const frames all = framed(items);
    EXPECT_EQ(items_of(all), items);
    EXPECT_EQ(all.size(), items.size());
    EXPECT_EQ(all.empty(), items.empty());
    EXPECT_TRUE(frames_view::well_formed(all.bytes(), all.size()));
  }
}

TEST(frames_test, each_item_costs_four_bytes_more_than_itself) {
  EXPECT_EQ(framed({"ab", ""}).bytes(), std::string_view("\2\0\0\0ab\0\0\0\0", 10));
}

TEST(frames_test, a_run_is_appended_whole) {
  frames all = framed({"a"});
  all.add_all(framed({"b", "", "c"}));
  all.add_all({});
  EXPECT_EQ(items_of(all), (strings{"a", "b", "", "c"}));
}

TEST(frames_test, cleared_frames_can_be_filled_again) {
  frames all = framed({"a", "b"});
  all.clear();
  EXPECT_TRUE(all.empty());
  all.add("c");
  EXPECT_EQ(items_of(all), strings{"c"});
}

TEST(frames_test, frames_are_rebuilt_from_a_view_or_from_bytes) {
  const frames all = framed({"a", "bc"});
  EXPECT_EQ(items_of(frames(all.view())), items_of(all));
  EXPECT_EQ(items_of(frames(all.bytes(), all.size())), items_of(all));
}

TEST(frames_test, a_wrong_count_is_noticed) {
  for (const auto& items : samples) {
    const frames all = framed(items);
    EXPECT_FALSE(frames_view::well_formed(all.bytes(), all.size() + 1));
    EXPECT_FALSE(frames_view::well_formed(all.bytes(), all.size() - 1));
  }
}

TEST(frames_test, truncated_and_extended_bytes_are_noticed) {
  const frames all = framed({"abc", "", "defgh"});
  const std::string_view bytes = all.bytes();
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(frames_view::well_formed(bytes.substr(0, n), all.size())) << n;
  EXPECT_FALSE(frames_view::well_formed(all.bytes() + '\0', all.size()));
}

TEST(frames_test, a_length_that_claims_more_than_there_is_is_noticed) {
  for (uint32_t claimed : {2u, 1000u, 0x7fff'ffffu, 0xffff'ffffu}) {
    std::string bytes(reinterpret_cast<const char*>(&claimed), sizeof claimed);
    EXPECT_FALSE(frames_view::well_formed(bytes + 'x', 1)) << claimed;
  }
}

// Whatever `well_formed` lets through can be walked without leaving the bytes.
TEST(frames_test, well_formed_noise_holds_exactly_its_count) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    std::string noise(random() % 24, '\0');
    for (char& c : noise) c = static_cast<char>(random() % 4 == 0 ? random() % 8 : 0);
    const auto count = static_cast<uint32_t>(random() % 6);
    if (!frames_view::well_formed(noise, count)) continue;
    size_t covered = 0;
    for (const auto& item : items_of({noise, count})) covered += sizeof(uint32_t) + item.size();
    ASSERT_EQ(covered, noise.size());
    ASSERT_EQ(items_of({noise, count}).size(), count);
  }
}

TEST(frames, the_first_of_them_are_a_view_of_their_own) {
  frames f;
  for (const auto* item : {"a", "", "ccc"}) f.add(item);
  const frames_view two = f.view().first(2);
  EXPECT_EQ(two.size(), 2u);
  EXPECT_TRUE(frames_view::well_formed(two.bytes(), 2));
  EXPECT_EQ(f.view().first(3).bytes(), f.bytes());
  EXPECT_TRUE(f.view().first(0).bytes().empty());
}

TEST(frames, what_is_not_kept_is_gone) {
  frames f;
  f.add("a");
  const auto bytes = f.bytes().size();
  f.add(std::string(1000, 'x'));
  f.keep(1, bytes);
  EXPECT_EQ(f.size(), 1u);
  EXPECT_EQ(*f.begin(), "a");
  EXPECT_LT(f.bytes().capacity(), 1000u);
  EXPECT_TRUE(frames_view::well_formed(f.bytes(), f.size()));
}

}  // namespace
}  // namespace troupe
