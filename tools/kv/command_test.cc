#include "tools/kv/command.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::kv {
namespace {

using args = std::vector<std::string_view>;

std::string encoded(op what, const args& a, uint8_t flags = 0) {
  std::string out;
  encode(what, flags, a, out);
  return out;
}

std::string_view fault_of(std::string_view bytes) {
  command c;
  return parse(bytes, c);
}

TEST(command, parsing_gives_back_what_was_encoded) {
  for (const size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 3'000'000u}) {
    const std::string value(size, 'v');
    const std::string bytes = encoded(op::set, {"key", value}, only_if_absent);
    command c;
    ASSERT_EQ(parse(bytes, c), "");
    EXPECT_EQ(c.what, op::set);
    EXPECT_EQ(c.flags, only_if_absent);
    EXPECT_EQ(c.count, 2u);
    EXPECT_EQ(c.args.take(), "key");
    EXPECT_EQ(c.args.take(), value);
    EXPECT_TRUE(c.args.done());
  }
}

TEST(command, a_number_survives) {
  for (const int64_t n : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    const std::string number = encode_number(n);
    const std::string bytes = encoded(op::incr_by, {"k", number});
    command c;
    ASSERT_EQ(parse(bytes, c), "");
    c.args.take();
    EXPECT_EQ(c.args.take_number(), n);
  }
}

TEST(command, the_bytes_of_a_set_are_fixed_for_ever) {
  EXPECT_EQ(encoded(op::set, {"ab", "c"}, return_old), std::string("\x01\x04\x02"
                                                                   "ab\x01"
                                                                   "c"));
}

TEST(command, wrong_shapes_are_malformed) {
  EXPECT_NE(fault_of(""), "");
  EXPECT_NE(fault_of("\x01"), "");
  EXPECT_NE(fault_of(std::string(2, '\0')), "");
  EXPECT_NE(fault_of("\x7f\x7f"), "");
  EXPECT_NE(fault_of("\xff\xff"), "");
  EXPECT_NE(fault_of(encoded(op::set, {"k"})), "");
  EXPECT_NE(fault_of(encoded(op::set, {"k", "v", "w"})), "");
  EXPECT_NE(fault_of(encoded(op::set, {"k", "v"}, 8)), "");
  EXPECT_NE(fault_of(encoded(op::mset, {"k", "v", "l"})), "");
  EXPECT_NE(fault_of(encoded(op::incr_by, {"k", "7"})), "");
  EXPECT_NE(fault_of(encoded(op::flush_all, {"k"})), "");
  EXPECT_NE(fault_of(encoded(op::scan, {"0", "10"})), "");
}

TEST(command, keys_values_and_patterns_are_bounded) {
  const std::string key(max_key_bytes, 'k');
  const std::string long_key(max_key_bytes + 1, 'k');
  const std::string value(max_value_bytes, 'v');
  const std::string long_value(max_value_bytes + 1, 'v');
  EXPECT_EQ(fault_of(encoded(op::set, {key, value})), "");
  EXPECT_NE(fault_of(encoded(op::set, {long_key, "v"})), "");
  EXPECT_NE(fault_of(encoded(op::set, {"k", long_value})), "");
  EXPECT_NE(fault_of(encoded(op::mset, {"k", "v", long_key, "v"})), "");
  const std::string n = encode_number(1);
  const std::string pattern(max_pattern_bytes + 1, '*');
  EXPECT_NE(fault_of(encoded(op::scan, {n, n, pattern})), "");
}

TEST(command, cut_anywhere_it_is_never_taken_for_whole) {
  const std::string bytes = encoded(op::cas, {"key", "expected", std::string(300, 'n')});
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(fault_of(std::string_view(bytes).substr(0, size)), "") << size;
}

std::string in_session(std::string_view id, uint64_t sequence, std::string command) {
  put_in_session(id, sequence, command);
  return command;
}

TEST(command, a_session_is_a_prefix_of_a_write) {
  const std::string id(max_session_id_bytes, 'i');
  // Together with its prefix it is longer than any argument may be.
  const std::string value(max_value_bytes, 'v');
  const std::string bytes = in_session(id, UINT64_MAX, encoded(op::set, {"k", value}, return_old));
  command c;
  ASSERT_EQ(parse(bytes, c), "");
  EXPECT_EQ(c.session, id);
  EXPECT_EQ(c.sequence, UINT64_MAX);
  EXPECT_EQ(c.what, op::set);
  EXPECT_EQ(c.flags, return_old);
  EXPECT_EQ(c.args.take(), "k");
  EXPECT_EQ(c.args.take(), value);
  ASSERT_EQ(parse(encoded(op::flush_all, {}), c), "");
  EXPECT_EQ(c.sequence, 0u);
}

TEST(command, the_bytes_of_a_session_are_fixed_for_ever) {
  EXPECT_EQ(in_session("ab", 3, encoded(op::del, {"k"})), std::string("\x0a\0\2ab"
                                                                      "\x08\3\0\0\0\0\0\0\0"
                                                                      "\3\0\1k",
                                                                      18));
}

TEST(command, a_session_takes_a_whole_write_and_nothing_else) {
  const std::string del = encoded(op::del, {"k"});
  EXPECT_EQ(fault_of(in_session("", 1, del)), "");
  EXPECT_NE(fault_of(in_session("i", 0, del)), "");
  EXPECT_NE(fault_of(in_session(std::string(max_session_id_bytes + 1, 'i'), 1, del)), "");
  EXPECT_NE(fault_of(in_session("i", 1, encoded(op::get, {"k"}))), "");
  EXPECT_NE(fault_of(in_session("i", 1, encoded(op::open_session, {}))), "");
  EXPECT_NE(fault_of(in_session("i", 1, in_session("i", 2, del))), "");
  const std::string whole = in_session("i", 1, del);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(fault_of(std::string_view(whole).substr(0, size)), "") << size;
}

TEST(command, sequences_are_decimals_from_one) {
  uint64_t n = 0;
  EXPECT_TRUE(parse_sequence("1", n));
  EXPECT_TRUE(parse_sequence("18446744073709551615", n));
  EXPECT_EQ(n, UINT64_MAX);
  for (const auto* bad : {"", "0", "01", "-1", "+1", "1 ", "1.0", "x", "18446744073709551616"})
    EXPECT_FALSE(parse_sequence(bad, n)) << bad;
}

TEST(command, random_bytes_never_break_parsing) {
  std::mt19937_64 random(7);
  std::string bytes;
  for (int round = 0; round < 200'000; ++round) {
    bytes.resize(random() % 24);
    for (char& c : bytes) c = static_cast<char>(random() % 3 == 0 ? random() : random() % 12);
    command c;
    if (!parse(bytes, c).empty()) continue;
    uint32_t count = 0;
    for (; !c.args.done(); ++count) c.args.take();
    EXPECT_EQ(count, c.count);
  }
}

TEST(command, integers_are_read_as_redis_reads_them) {
  int64_t n = 0;
  for (const auto* good : {"0", "-1", "7", "9223372036854775807", "-9223372036854775808"})
    EXPECT_TRUE(parse_integer(good, n)) << good;
  EXPECT_EQ(n, INT64_MIN);
  for (const auto* bad : {"", "-", "-0", "00", "07", "+1", " 1", "1 ", "1.0", "x",
                          "9223372036854775808", "-9223372036854775809"})
    EXPECT_FALSE(parse_integer(bad, n)) << bad;
}

}  // namespace
}  // namespace troupe::kv
