#include "tools/resp/parser.h"

#include <malloc.h>

#include <random>

#include <gtest/gtest.h>

namespace troupe::resp {
namespace {

// Reads all that `bytes` hold, `piece()` bytes at a time: commands as `[a|b]`, an error as `!text`.
template <class Piece>
std::string read(std::string_view bytes, Piece&& piece, parser_limits limits = {}) {
  parser p(limits);
  std::string out;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(piece(), bytes.size());
    std::string_view input = bytes.substr(0, size);
    bytes.remove_prefix(size);
    while (true) {
      const parser::step s = p.next(input);
      if (s == parser::step::need_more) break;
      if (s == parser::step::broken) return out + "!" + p.error();
      out += '[';
      for (const std::string_view a : p.arguments()) (out += a) += '|';
      out.back() = ']';
    }
    EXPECT_TRUE(input.empty());
  }
  return out;
}

// Reads at once, byte by byte and in random splits, which must be the same.
std::string read_all(std::string_view bytes, parser_limits limits = {}) {
  const std::string whole = read(
      bytes, [] { return SIZE_MAX; }, limits);
  EXPECT_EQ(read(
                bytes, [] { return 1; }, limits),
            whole);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 random(seed);
    EXPECT_EQ(read(
                  bytes, [&] { return 1 + random() % 9; }, limits),
              whole)
        << "seed " << seed;
  }
  return whole;
}

TEST(parser, reads_pipelined_commands) {
  EXPECT_EQ(read_all("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n"), "[GET|a][PING]");
  EXPECT_EQ(read_all("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"), "[GET|]");
  EXPECT_EQ(read_all("*1\r\n$4\r\n\r\n\r\n\r\n"), "[\r\n\r\n]");
}

TEST(parser, waits_for_what_is_missing) {
  const std::string_view whole = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read_all(whole.substr(0, size)), "") << size;
}

TEST(parser, reads_what_is_typed_by_hand) {
  EXPECT_EQ(read_all("PING\r\n"), "[PING]");
  EXPECT_EQ(read_all("\r\n\n  set a  \"b\\x41\\n\\\"\" 'c\\'d'\n"), "[set|a|bA\n\"|c'd]");
  EXPECT_EQ(read_all("set a \"\"\r\n*1\r\n$4\r\nPING\r\nPING\r\n"), "[set|a|][PING][PING]");
  EXPECT_EQ(read_all("set a \"b\r\n"), "!Protocol error: unbalanced quotes in request");
  EXPECT_EQ(read_all("set a \"b\"c\r\n"), "!Protocol error: unbalanced quotes in request");
  EXPECT_EQ(read_all(std::string_view("PI\0NG\r\n", 7)),
            "!Protocol error: binary data in an inline request");
  EXPECT_EQ(read_all("a\x01\r\nPING\r\n"), "!Protocol error: binary data in an inline request");
}

TEST(parser, a_line_without_end_is_refused) {
  const parser_limits limits{.inline_bytes = 100};
  EXPECT_EQ(read_all(std::string(100, 'a') + "\n", limits), "[" + std::string(100, 'a') + "]");
  EXPECT_EQ(read_all(std::string(101, 'a'), limits), "!Protocol error: too big inline request");
  EXPECT_EQ(read_all(std::string(101, 'a') + "\n", limits),
            "!Protocol error: too big inline request");
}

TEST(parser, wrong_lengths_are_one_error) {
  const std::string array = "!Protocol error: invalid multibulk length";
  const std::string bulk = "!Protocol error: invalid bulk length";
  for (const auto* header : {"*1000000000", "*65537", "*-5", "*-1", "*0", "*x", "*", "*1x", "*01",
                             "*99999999999999999999"})
    EXPECT_EQ(read_all(std::string(header) + "\r\n$4\r\nPING\r\n"), array) << header;
  for (const auto* header : {"$-5", "$-1", "$x", "$", "$+1", "$99999999999999999999"})
    EXPECT_EQ(read_all("*1\r\n" + std::string(header) + "\r\nPING\r\n"), bulk) << header;
  EXPECT_EQ(read_all("*" + std::string(40, '1')), array);
  EXPECT_EQ(read_all("*1\r\n$" + std::string(40, '1')), bulk);
}

TEST(parser, a_bulk_that_is_too_long_is_refused_by_its_header) {
  const std::string error = "!Protocol error: a command is longer than 33554432 bytes";
  EXPECT_EQ(read_all("*1\r\n$536870912\r\n"), error);
  EXPECT_EQ(read_all("*1\r\n$9223372036854775807\r\n"), error);
  EXPECT_EQ(read_all("*2\r\n$1\r\na\r\n$33554432\r\n"), error);
  EXPECT_EQ(read_all("*2\r\n$1\r\na\r\n$33554431\r\n"), "");
  const parser_limits limits{.command_bytes = 8};
  EXPECT_EQ(read_all("*2\r\n$4\r\naaaa\r\n$4\r\nbbbb\r\n", limits), "[aaaa|bbbb]");
  EXPECT_EQ(read_all("*2\r\n$4\r\naaaa\r\n$5\r\nbbbbb\r\n", limits),
            "!Protocol error: a command is longer than 8 bytes");
}

TEST(parser, only_bulks_are_arguments) {
  EXPECT_EQ(read_all("*1\r\n*1\r\n$1\r\na\r\n"), "!Protocol error: expected '$', got \"*\"");
  EXPECT_EQ(read_all("*1\r\n*-1\r\n"), "!Protocol error: expected '$', got \"*\"");
  EXPECT_EQ(read_all("*1\r\n*x\r\n"), "!Protocol error: expected '$', got \"*\"");
  EXPECT_EQ(read_all("*1\r\n:5\r\n"), "!Protocol error: expected '$', got \":\"");
  EXPECT_EQ(read_all("*1\r\n:x\r\n"), "!Protocol error: expected '$', got \":\"");
  EXPECT_EQ(read_all("*1\r\n+OK\r\n"), "!Protocol error: expected '$', got \"+\"");
  EXPECT_EQ(read_all("*1\r\n-ERR\r\n"), "!Protocol error: expected '$', got \"-\"");
  EXPECT_EQ(read_all("*1\r\nPING\r\n"), "!Protocol error: expected '$', got \"P\"");
  EXPECT_EQ(read_all("*1\r\n\r\n"), "!Protocol error: expected '$', got \"\\r\"");
}

TEST(parser, outside_of_a_command_only_arrays_and_lines_are_understood) {
  EXPECT_EQ(read_all("$536870912\r\n"), "!Protocol error: expected '*', got \"$\"");
  EXPECT_EQ(read_all(":1\r\n"), "!Protocol error: expected '*', got \":\"");
  EXPECT_EQ(read_all("\xff\xfe\x80"), "!Protocol error: expected '*', got \"\\xff\"");
  EXPECT_EQ(read_all(std::string(3, '\0')), "!Protocol error: expected '*', got \"\\x00\"");
  EXPECT_EQ(read_all("*1\r\n$4\r\nPING\r\n$1"), "[PING]!Protocol error: expected '*', got \"$\"");
}

TEST(parser, lines_end_with_crlf) {
  EXPECT_EQ(read_all("*1\n$4\nPING\n"), "!Protocol error: invalid multibulk length");
  EXPECT_EQ(read_all("*1\n$4\r\nPING\r\n"), "!Protocol error: invalid multibulk length");
  EXPECT_EQ(read_all("*1\r\n$4\nPING\r\n"), "!Protocol error: invalid bulk length");
  EXPECT_EQ(read_all("*1\r\n$4\r\nPINGxx"), "!Protocol error: a bulk does not end with CRLF");
  EXPECT_EQ(read_all("*1\r\n$4\r\nPINGPONG\r\n"), "!Protocol error: a bulk does not end with CRLF");
}

TEST(parser, a_broken_parser_stays_broken) {
  parser p;
  std::string_view input = "*0\r\n*1\r\n$4\r\nPING\r\n";
  EXPECT_EQ(p.next(input), parser::step::broken);
  input = "*1\r\n$4\r\nPING\r\n";
  EXPECT_EQ(p.next(input), parser::step::broken);
  EXPECT_EQ(p.error(), "Protocol error: invalid multibulk length");
}

TEST(parser, many_and_large_arguments_fit) {
  std::string bytes = "*65536\r\n";
  for (int i = 0; i < 65'536; ++i) bytes += "$1\r\na\r\n";
  bytes += "*2\r\n$3\r\nGET\r\n$10000000\r\n" + std::string(10'000'000, 'x') + "\r\nPING\r\n";
  parser p;
  std::string_view input = bytes;
  ASSERT_EQ(p.next(input), parser::step::command);
  EXPECT_EQ(p.arguments().size(), 65'536u);
  ASSERT_EQ(p.next(input), parser::step::command);
  ASSERT_EQ(p.arguments().size(), 2u);
  EXPECT_EQ(p.arguments()[1].size(), 10'000'000u);
  ASSERT_EQ(p.next(input), parser::step::command);
  EXPECT_EQ(p.arguments()[0], "PING");
  EXPECT_EQ(p.next(input), parser::step::need_more);
  EXPECT_EQ(p.buffered_bytes(), 0u);
}

TEST(parser, claimed_lengths_take_no_memory) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::vector<std::unique_ptr<parser>> parsers;
  for (int i = 0; i < 100; ++i) {
    parsers.push_back(std::make_unique<parser>());
    std::string_view input = "*65536\r\n$33554432\r\nabc";
    EXPECT_EQ(parsers.back()->next(input), parser::step::need_more);
  }
  EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd, before + 100 * 16'384);
}

std::string make_junk(std::mt19937_64& random) {
  static constexpr std::string_view words[] = {
      "*1\r\n", "*2\r\n", "*",  "$",     "$4\r\n",   "PING", "\r\n",  "\r",    "\n",
      "$-1",    "*-1",    ":5", "+OK",   "SET a b ", "\"",   "\\x4",  "'",     "99999999",
      "$0\r\n", "*3\r\n", " ",  "a\r\n", "$1\r\n",   "\xff", "GET k", "$2\r\n"};
  std::string junk;
  for (uint64_t n = random() % 12; n != 0; --n) {
    if (random() % 8 == 0)
      junk.push_back(random() % 16 == 0 ? '\0' : static_cast<char>(random()));
    else
      junk += words[random() % std::size(words)];
  }
  return junk;
}

TEST(parser, junk_gives_the_same_however_it_is_split) {
  const uint64_t seed = 20240607;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100'000; ++round) {
    const std::string junk = make_junk(random);
    const std::string whole = read(junk, [] { return SIZE_MAX; });
    ASSERT_EQ(read(junk, [] { return 1; }), whole) << "seed " << seed << " round " << round;
    ASSERT_EQ(read(junk, [&] { return 1 + random() % 5; }), whole)
        << "seed " << seed << " round " << round;
  }
}

TEST(parser, what_is_buffered_stays_within_the_limits) {
  const parser_limits limits{.arguments = 10, .command_bytes = 1000, .inline_bytes = 100};
  std::mt19937_64 random(17);
  for (int round = 0; round < 2000; ++round) {
    parser p(limits);
    parser::step s = parser::step::need_more;
    for (int i = 0; i < 200 && s != parser::step::broken; ++i) {
      const std::string junk = make_junk(random);
      std::string_view input = junk;
      while ((s = p.next(input)) == parser::step::command) continue;
      ASSERT_LE(p.buffered_bytes(), 2000u);
    }
  }
}

}  // namespace
}  // namespace troupe::resp
