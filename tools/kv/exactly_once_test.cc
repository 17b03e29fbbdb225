// Writes in sessions through the whole machine, either one.
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tools/kv/any_machine.h"

namespace troupe::kv {
namespace {

using args = std::vector<std::string_view>;

std::string encoded(op what, const args& a) {
  std::string bytes;
  encode(what, 0, a, bytes);
  return bytes;
}
std::string incr(std::string_view key) {
  const std::string one = encode_number(1);
  return encoded(op::incr_by, {key, one});
}
std::string append(std::string_view key, std::string_view tail) {
  return encoded(op::append, {key, tail});
}

std::string run(any_machine& m, std::string_view command) { return m.apply(command); }
std::string in_session(any_machine& m, std::string_view id, uint64_t sequence, std::string write) {
  put_in_session(id, sequence, write);
  return run(m, write);
}

class exactly_once : public testing::TestWithParam<machine_kind> {};

constexpr std::string_view unknown_session = "-ERR unknown session; nothing happened now\r\n";

TEST_P(exactly_once, the_same_sequence_again_returns_the_first_answer) {
  any_machine m(GetParam());
  EXPECT_EQ(in_session(m, "me", 1, incr("n")), ":1\r\n");
  run(m, incr("n"));
  EXPECT_EQ(in_session(m, "me", 1, incr("n")), ":1\r\n");
  EXPECT_EQ(in_session(m, "me", 1, encoded(op::flush_all, {})), ":1\r\n");
  EXPECT_EQ(in_session(m, "me", 2, incr("n")), ":3\r\n");
  EXPECT_EQ(in_session(m, "you", 1, incr("n")), ":4\r\n");
  // Sequences rise; they may leave gaps.
  EXPECT_EQ(in_session(m, "me", UINT64_MAX, incr("n")), ":5\r\n");
  EXPECT_EQ(in_session(m, "me", UINT64_MAX, incr("n")), ":5\r\n");
}

TEST_P(exactly_once, a_lower_sequence_is_refused) {
  any_machine m(GetParam());
  in_session(m, "me", 1, incr("n"));
  in_session(m, "me", 9, incr("n"));
  for (const uint64_t sequence : {1u, 5u, 8u})
    EXPECT_EQ(in_session(m, "me", sequence, incr("n")),
              "-ERR session is at sequence 9 already; nothing happened now\r\n");
  EXPECT_EQ(contents(m.data())["n"], "2");
}

TEST_P(exactly_once, an_error_is_an_answer_too) {
  any_machine m(GetParam());
  run(m, append("n", "x"));
  const std::string error = in_session(m, "me", 1, incr("n"));
  EXPECT_TRUE(error.starts_with("-ERR "));
  run(m, encoded(op::del, {"n"}));
  EXPECT_EQ(in_session(m, "me", 1, incr("n")), error);
  EXPECT_EQ(in_session(m, "me", 2, incr("n")), ":1\r\n");
}

TEST_P(exactly_once, what_is_malformed_uses_no_sequence) {
  any_machine m(GetParam());
  EXPECT_TRUE(in_session(m, "me", 1, encoded(op::set, {"k"})).starts_with("-ERR malformed"));
  EXPECT_TRUE(in_session(m, "me", 1, encoded(op::get, {"k"})).starts_with("-ERR malformed"));
  EXPECT_EQ(in_session(m, "me", 1, incr("n")), ":1\r\n");
}

TEST_P(exactly_once, flushall_leaves_the_sessions) {
  any_machine m(GetParam());
  in_session(m, "me", 1, incr("n"));
  const std::string flush = encoded(op::flush_all, {});
  EXPECT_EQ(in_session(m, "me", 2, flush), "+OK\r\n");
  run(m, incr("n"));
  EXPECT_EQ(in_session(m, "me", 2, flush), "+OK\r\n");
  EXPECT_EQ(contents(m.data())["n"], "1");
}

TEST_P(exactly_once, a_session_that_is_not_known_begins_at_one) {
  any_machine m(GetParam());
  EXPECT_EQ(in_session(m, "me", 2, incr("n")), unknown_session);
  EXPECT_EQ(in_session(m, "me", 1, incr("n")), ":1\r\n");
  EXPECT_EQ(in_session(m, "me", 2, incr("n")), ":2\r\n");
}

TEST_P(exactly_once, a_given_id_begins_where_it_likes_and_only_once) {
  any_machine m(GetParam());
  EXPECT_EQ(in_session(m, "@1", 1, incr("n")), unknown_session);
  EXPECT_EQ(run(m, encoded(op::open_session, {})), "$2\r\n@1\r\n");
  EXPECT_EQ(run(m, encoded(op::open_session, {})), "$2\r\n@2\r\n");
  EXPECT_EQ(in_session(m, "@1", 1, incr("n")), ":1\r\n");
  EXPECT_EQ(in_session(m, "@1", 1, incr("n")), ":1\r\n");
  EXPECT_EQ(in_session(m, "@2", 7, incr("n")), ":2\r\n");
  EXPECT_EQ(in_session(m, "@3", 1, incr("n")), unknown_session);
}

TEST_P(exactly_once, a_forgotten_session_refuses_instead_of_applying_twice) {
  any_machine m(GetParam());
  run(m, encoded(op::open_session, {}));
  in_session(m, "@1", 1, incr("n"));
  in_session(m, "me", 1, incr("n"));
  in_session(m, "me", 2, incr("n"));
  in_session(m, "kept", 1, incr("n"));
  const std::string other = incr("other");
  for (size_t i = 0; i < sessions_bounds{}.count - 1; ++i) {
    in_session(m, "other" + std::to_string(i), 1, other);
    if (i % 50'000 == 0) {
      EXPECT_EQ(in_session(m, "kept", 1, incr("n")), ":4\r\n");
    }
  }
  EXPECT_EQ(m.known_sessions().entries().size(), sessions_bounds{}.count);
  EXPECT_EQ(in_session(m, "kept", 1, incr("n")), ":4\r\n");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(in_session(m, "me", 2, incr("n")), unknown_session);
    EXPECT_EQ(in_session(m, "@1", 1, incr("n")), unknown_session);
    m.reopen();
  }
  EXPECT_EQ(contents(m.data())["n"], "4");
}

std::string random_write(std::mt19937_64& random) {
  const std::string key(1, static_cast<char>('a' + random() % 4));
  const std::string value = std::to_string(random() % 3);
  switch (random() % 8) {
    case 0:
      return encoded(op::set, {key, value});
    case 1:
      return encoded(op::getset, {key, value});
    case 2:
      return encoded(op::del, {key});
    case 3:
      return encoded(op::cas, {key, value, "2"});
    case 4:
      return encoded(op::mset, {key, value, "z", value});
    case 5:
      return random() % 20 == 0 ? encoded(op::flush_all, {}) : append(key, value);
    default:
      return incr(key);
  }
}

// One client that repeats what it sent, and a network that repeats and delays what it carries.
struct lossy_client {
  std::string id;
  std::vector<std::string> sent;     // by sequence - 1
  std::vector<std::string> answers;  // the same; the first ones
};

// Scenario 41.
TEST_P(exactly_once, repeated_and_delayed_writes_give_the_state_of_those_that_were_not) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    any_machine m(GetParam());
    any_machine plain(GetParam());  // every write once, no sessions
    std::vector<lossy_client> clients(1 + random() % 5);
    for (size_t i = 0; i < clients.size(); ++i) clients[i].id = "client" + std::to_string(i);
    for (int step = 0; step < 500; ++step) {
      lossy_client& c = clients[random() % clients.size()];
      // A new write, the last one again, or a copy of any old one that arrives now.
      if (c.sent.empty() || random() % 3 == 0) {
        c.sent.push_back(random_write(random));
        c.answers.push_back(run(plain, c.sent.back()));
      }
      const size_t last = c.sent.size();
      in_session(m, c.id, last, c.sent[last - 1]);
      const size_t copy = random() % 2 == 0 ? last : 1 + random() % last;
      const std::string got = in_session(m, c.id, copy, c.sent[copy - 1]);
      if (copy == last) {
        ASSERT_EQ(got, c.answers[copy - 1]);
      } else {
        ASSERT_TRUE(got.starts_with("-ERR session is at sequence ")) << got;
      }
      ASSERT_EQ(contents(m.data()), contents(plain.data()));
    }
  }
}

TEST_P(exactly_once, machines_remember_and_forget_alike_however_their_batches_are_cut) {
  const uint64_t seed = 11;
  std::mt19937_64 random(seed);
  frames commands;
  for (int i = 0; i < 250'000; ++i) {
    std::string write = random_write(random);
    const std::string id = "s" + std::to_string(random() % 200'000);
    if (random() % 50 == 0)
      write = encoded(op::open_session, {});
    else
      put_in_session(id, random() % 4 == 0 ? 2 : 1, write);
    commands.add(write);
  }
  any_machine one(GetParam());
  const frames results = one.apply(commands);
  any_machine other(GetParam());
  frames pieces;
  frames piece;
  for (const std::string_view c : commands) {
    piece.add(c);
    if (random() % 100 != 0) continue;
    pieces.add_all(other.apply(piece));
    piece.clear();
  }
  pieces.add_all(other.apply(piece));
  EXPECT_EQ(results.bytes(), pieces.bytes());
  EXPECT_TRUE(picture_of(one) == picture_of(other));
  other.reopen();
  EXPECT_TRUE(picture_of(one) == picture_of(other));
  EXPECT_EQ(one.known_sessions().entries().size(), sessions_bounds{}.count);
}

INSTANTIATE_TEST_SUITE_P(both, exactly_once, both_kinds, name_of_kind);

}  // namespace
}  // namespace troupe::kv
