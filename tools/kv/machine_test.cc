// What the commands answer, on either machine.
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tools/kv/any_machine.h"

namespace troupe::kv {
namespace {

using args = std::vector<std::string_view>;

class kv_machine : public testing::TestWithParam<machine_kind> {
 protected:
  std::string run(op what, const args& a, uint8_t flags = 0) { return m.run(what, a, flags); }
  std::string apply(std::string_view bytes) { return m.apply(bytes); }
  std::string query(std::string_view bytes) { return m.query(bytes); }
  std::string incr(std::string_view key, int64_t by) {
    const std::string number = encode_number(by);
    return run(op::incr_by, {key, number});
  }
  std::string scan(int64_t cursor, int64_t count, const args& pattern = {}) {
    const std::string at = encode_number(cursor);
    const std::string n = encode_number(count);
    args a = {at, n};
    a.insert(a.end(), pattern.begin(), pattern.end());
    return run(op::scan, a);
  }

  any_machine m{GetParam()};
};

TEST_P(kv_machine, set_then_get) {
  EXPECT_EQ(run(op::get, {"k"}), "$-1\r\n");
  EXPECT_EQ(run(op::set, {"k", "abc"}), "+OK\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$3\r\nabc\r\n");
  EXPECT_EQ(run(op::set, {"k", ""}), "+OK\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$0\r\n\r\n");
}

TEST_P(kv_machine, set_keeps_its_conditions) {
  EXPECT_EQ(run(op::set, {"k", "1"}, only_if_present), "$-1\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$-1\r\n");
  EXPECT_EQ(run(op::set, {"k", "1"}, only_if_absent), "+OK\r\n");
  EXPECT_EQ(run(op::set, {"k", "2"}, only_if_absent), "$-1\r\n");
  EXPECT_EQ(run(op::set, {"k", "2"}, only_if_present), "+OK\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$1\r\n2\r\n");
}

TEST_P(kv_machine, set_with_get_answers_the_old_value_set_or_not) {
  EXPECT_EQ(run(op::set, {"k", "1"}, return_old), "$-1\r\n");
  EXPECT_EQ(run(op::set, {"k", "2"}, return_old), "$1\r\n1\r\n");
  EXPECT_EQ(run(op::set, {"k", "3"}, return_old | only_if_absent), "$1\r\n2\r\n");
  EXPECT_EQ(run(op::getset, {"k", "4"}), "$1\r\n2\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$1\r\n4\r\n");
}

// Else thirty bytes in the log would cost every node a value of any size.
TEST_P(kv_machine, a_write_returns_no_long_value) {
  const std::string longest(max_old_value_bytes, 'x');
  run(op::set, {"k", longest});
  EXPECT_EQ(run(op::set, {"k", "1"}, return_old | only_if_absent), "$65536\r\n" + longest + "\r\n");
  run(op::append, {"k", "x"});
  EXPECT_TRUE(run(op::set, {"k", "1"}, return_old).starts_with("-ERR the old value is longer"));
  EXPECT_TRUE(run(op::getset, {"k", "1"}).starts_with("-ERR the old value is longer"));
  EXPECT_EQ(run(op::strlen, {"k"}), ":65537\r\n") << "nothing happened";
  EXPECT_EQ(run(op::set, {"k", "1"}), "+OK\r\n");
}

TEST_P(kv_machine, del_and_exists_count) {
  run(op::mset, {"a", "1", "b", "2"});
  EXPECT_EQ(run(op::exists, {"a", "a", "x"}), ":2\r\n");
  EXPECT_EQ(run(op::del, {"a", "a", "b", "x"}), ":2\r\n");
  EXPECT_EQ(run(op::dbsize, {}), ":0\r\n");
}

TEST_P(kv_machine, incr_counts_and_refuses_what_is_no_integer) {
  EXPECT_EQ(incr("n", 1), ":1\r\n");
  EXPECT_EQ(incr("n", -11), ":-10\r\n");
  EXPECT_EQ(run(op::get, {"n"}), "$3\r\n-10\r\n");
  run(op::set, {"n", "9223372036854775806"});
  EXPECT_EQ(incr("n", 1), ":9223372036854775807\r\n");
  EXPECT_EQ(incr("n", 1), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(incr("n", INT64_MIN), ":-1\r\n");
  for (const auto* bad : {"abc", "1.5", " 1", "01", "9223372036854775808", ""}) {
    run(op::set, {"n", bad});
    EXPECT_EQ(incr("n", 1), "-ERR value is not an integer or out of range\r\n") << bad;
    EXPECT_EQ(run(op::strlen, {"n"}), ":" + std::to_string(strlen(bad)) + "\r\n");
  }
}

TEST_P(kv_machine, append_stops_at_the_bound) {
  EXPECT_EQ(run(op::append, {"k", "ab"}), ":2\r\n");
  EXPECT_EQ(run(op::append, {"k", "cd"}), ":4\r\n");
  const std::string rest(max_value_bytes - 4, 'x');
  EXPECT_EQ(run(op::append, {"k", rest}), ":33554432\r\n");
  EXPECT_EQ(run(op::append, {"k", "y"}),
            "-ERR string exceeds maximum allowed size (33554432 bytes)\r\n");
  EXPECT_EQ(run(op::append, {"k", ""}), ":33554432\r\n");
}

TEST_P(kv_machine, mset_sets_all_or_nothing) {
  EXPECT_EQ(run(op::mset, {"a", "1", "b", "2", "a", "3"}), "+OK\r\n");
  EXPECT_EQ(run(op::mget, {"a", "b", "c"}), "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n");
  const std::string long_key(max_key_bytes + 1, 'k');
  EXPECT_EQ(run(op::mset, {"a", "9", long_key, "9"}), "-ERR key is longer than 65536 bytes\r\n");
  EXPECT_EQ(run(op::get, {"a"}), "$1\r\n3\r\n");
}

TEST_P(kv_machine, cas_changes_only_what_was_expected) {
  EXPECT_EQ(run(op::cas, {"k", "", "1"}), ":0\r\n");
  EXPECT_EQ(run(op::cas_absent, {"k", ""}), ":1\r\n");
  EXPECT_EQ(run(op::cas_absent, {"k", "1"}), ":0\r\n");
  EXPECT_EQ(run(op::cas, {"k", "x", "1"}), ":0\r\n");
  EXPECT_EQ(run(op::cas, {"k", "", "1"}), ":1\r\n");
  EXPECT_EQ(run(op::get, {"k"}), "$1\r\n1\r\n");
}

TEST_P(kv_machine, flushall_empties) {
  run(op::mset, {"a", "1", "b", "2"});
  EXPECT_EQ(run(op::flush_all, {}), "+OK\r\n");
  EXPECT_EQ(run(op::dbsize, {}), ":0\r\n");
}

TEST_P(kv_machine, mget_refuses_a_reply_without_bound) {
  const std::string value(max_value_bytes, 'v');
  run(op::set, {"k", value});
  EXPECT_EQ(run(op::mget, {"k", "k", "k"}), "-ERR reply is longer than 67108864 bytes\r\n");
}

TEST_P(kv_machine, scan_returns_all_keys_that_match) {
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string key = (i % 2 == 0 ? "even:" : "odd:") + std::to_string(i);
    run(op::set, {key, "v"});
    if (i % 2 == 0) expected.insert(key);
  }
  std::set<std::string> seen;
  int64_t cursor = 0;
  do {
    const std::string page = scan(cursor, 10, {"even:*"});
    ASSERT_TRUE(page.starts_with("*2\r\n$"));
    const size_t at = page.find("\r\n", 4) + 2;
    cursor = std::stoll(page.substr(at));
    for (size_t k = page.find("even:"); k != std::string::npos; k = page.find("even:", k + 1))
      seen.insert(page.substr(k, page.find("\r\n", k) - k));
    ASSERT_EQ(page.find("odd:"), std::string::npos);
  } while (cursor != 0);
  EXPECT_EQ(seen, expected);
}

TEST_P(kv_machine, an_empty_scan_ends_at_once) {
  EXPECT_EQ(scan(0, 10), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(scan(-1, 10), "*2\r\n$1\r\n0\r\n*0\r\n");
}

TEST_P(kv_machine, queries_and_writes_do_not_pass_for_each_other) {
  std::string bytes;
  encode(op::get, 0, args{"k"}, bytes);
  EXPECT_TRUE(apply(bytes).starts_with("-ERR "));
  encode(op::set, 0, args{"k", "v"}, bytes);
  EXPECT_TRUE(query(bytes).starts_with("-ERR "));
  EXPECT_EQ(run(op::dbsize, {}), ":0\r\n");
}

TEST_P(kv_machine, every_command_of_a_batch_gets_one_result_junk_included) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    frames commands;
    std::string bytes;
    for (int i = 0; i < 50; ++i) {
      bytes.resize(random() % 16);
      for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 10);
      commands.add(bytes);
      query(bytes);
    }
    const frames results = m.apply(commands);
    ASSERT_EQ(results.size(), commands.size());
    for (const std::string_view r : results) ASSERT_TRUE(r.ends_with("\r\n"));
  }
}

TEST_P(kv_machine, two_machines_answer_alike) {
  std::mt19937_64 random(9);
  frames commands;
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "k" + std::to_string(random() % 50);
    const std::string value = std::to_string(random() % 3);
    const std::string number = encode_number(static_cast<int64_t>(random() % 5));
    switch (random() % 5) {
      case 0:
        encode(op::set, random() % 8, args{key, value}, bytes);
        break;
      case 1:
        encode(op::cas, 0, args{key, value, "2"}, bytes);
        break;
      case 2:
        encode(op::incr_by, 0, args{key, number}, bytes);
        break;
      case 3:
        encode(op::del, 0, args{key}, bytes);
        break;
      default:
        encode(op::append, 0, args{key, value}, bytes);
        break;
    }
    commands.add(bytes);
  }
  any_machine other(GetParam());
  const frames whole = m.apply(commands);
  frames single;
  for (const std::string_view c : commands) single.add(other.apply(c));
  EXPECT_EQ(whole.bytes(), single.bytes());
}

INSTANTIATE_TEST_SUITE_P(both, kv_machine, both_kinds, name_of_kind);

}  // namespace
}  // namespace troupe::kv
