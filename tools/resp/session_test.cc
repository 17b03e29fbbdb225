#include "tools/resp/session.h"

#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "tools/kv/machine.h"
#include "tools/resp/session_fixture.h"

namespace troupe::resp {
namespace {

using kind = action::kind;

TEST(session, consecutive_writes_are_one_proposal) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nSET b 2\r\nDEL c\r\n");
  const auto actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "P3");
  EXPECT_TRUE(s.on_results(actions[0].id, replies(3, "+OK\r\n")));
  EXPECT_EQ(s.take_output(), "+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(s.bytes_held(), 0u);
}

TEST(session, writes_are_issued_behind_outstanding_writes) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "P1");
  s.on_bytes("SET a 2\r\nSET a 3\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "P2");
}

TEST(session, reads_follow_writes_at_once_but_writes_wait_for_reads) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nGET a\r\nGET b\r\nSET a 2\r\nGET a\r\n");
  const auto first = s.take_actions();
  ASSERT_EQ(shapes(first), "P1 R2");
  s.on_results(first[0].id, replies(1, "+OK\r\n"));
  EXPECT_EQ(shapes(s.take_actions()), "");
  s.on_results(first[1].id, replies(2, ":1\r\n"));
  EXPECT_EQ(shapes(s.take_actions()), "P1 R1");
}

TEST(session, what_waits_is_joined_by_what_comes) {
  lone_session s(1);
  s.on_bytes("GET a\r\n");
  const auto first = s.take_actions();
  s.on_bytes("SET a 1\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "");
  s.on_bytes("SET a 2\r\n");
  s.on_results(first[0].id, replies(1, "$-1\r\n"));
  EXPECT_EQ(shapes(s.take_actions()), "P2");
}

TEST(session, reads_that_are_not_linearizable_wait_for_the_connections_writes) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nREAD stale GET a\r\nREAD lease GET a\r\n");
  const auto first = s.take_actions();
  ASSERT_EQ(shapes(first), "P1");
  s.on_results(first[0].id, replies(1, "+OK\r\n"));
  const auto second = s.take_actions();
  ASSERT_EQ(shapes(second), "R1 R1");
  EXPECT_EQ(second[0].mode, read_mode::stale);
  EXPECT_EQ(second[1].mode, read_mode::lease);
}

TEST(session, consecutive_reads_of_one_mode_are_one_read) {
  lone_session s(1);
  s.on_bytes(
      "READ lease GET a\r\nREAD lease GET b\r\nREAD follower GET a\r\nGET a\r\n"
      "READ linearizable GET b\r\nREAD stale GET c\r\n");
  const auto actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "R2 R1 R2 R1");
  EXPECT_EQ(actions[0].mode, read_mode::lease);
  EXPECT_EQ(actions[1].mode, read_mode::follower);
  EXPECT_EQ(actions[2].mode, read_mode::linearizable);
  EXPECT_EQ(actions[3].mode, read_mode::stale);
  // Answered backwards, the replies keep the order of the requests.
  for (size_t i = actions.size(); i-- > 0;)
    s.on_results(actions[i].id, replies(actions[i].commands.size(), std::to_string(i)));
  EXPECT_EQ(s.take_output(), "001223");
}

TEST(session, a_question_to_the_node_stands_alone) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nLOGHASH 5\r\nSTATUS\r\nGET a\r\n");
  auto actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "P1");
  s.on_results(actions[0].id, replies(1, "+OK\r\n"));
  actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "A0");
  EXPECT_EQ(actions[0].admin, admin_request::log_hash);
  EXPECT_EQ(actions[0].argument, 5u);
  s.on_results(actions[0].id, replies(1, "$-1\r\n"));
  actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "A0");
  s.on_failure(actions[0].id, failure::no_leader);
  EXPECT_EQ(shapes(s.take_actions()), "R1");
}

TEST(session, replies_keep_the_order_of_requests) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nPING\r\nGET a\r\nECHO x\r\n");
  const auto actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "P1 R1");
  s.on_results(actions[1].id, replies(1, "$1\r\n1\r\n"));
  EXPECT_EQ(s.take_output(), "");
  s.on_results(actions[0].id, replies(1, "+OK\r\n"));
  EXPECT_EQ(s.take_output(), "+OK\r\n+PONG\r\n$1\r\n1\r\n$1\r\nx\r\n");
  s.on_bytes("PING\r\n");
  EXPECT_EQ(s.take_output(), "+PONG\r\n");
}

TEST(session, each_command_of_a_failed_run_gets_its_error) {
  const auto fail = [](std::string_view bytes, failure why, std::string_view detail = {}) {
    lone_session s(1);
    s.on_bytes(bytes);
    EXPECT_TRUE(s.on_failure(s.take_actions()[0].id, why, detail));
    return s.take_output();
  };
  const std::string busy =
      "-BUSY too much is under way, or the state is not there yet; nothing happened, try again\r\n";
  EXPECT_EQ(fail("SET a 1\r\nSET a 2\r\n", failure::busy), busy + busy);
  EXPECT_EQ(fail("SET a 1\r\n", failure::no_leader, "go\r\naway"), "-NOLEADER go  away\r\n");
  EXPECT_EQ(fail("SET a 1\r\n", failure::unknown, "lost"), "-UNKNOWN lost\r\n");
  EXPECT_EQ(fail("GET a\r\n", failure::unknown, "lost"), "-NOLEADER lost\r\n");
  EXPECT_EQ(fail("SET a 1\r\n", failure::read_only, "full"), "-READONLY full\r\n");
  EXPECT_EQ(fail("SET a 1\r\n", failure::malformed, "too large"), "-ERR too large\r\n");
}

TEST(session, late_and_foreign_outcomes_are_ignored) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nPING\r\n");
  EXPECT_FALSE(s.on_results(1, replies(1, "+OK\r\n")));
  const ticket id = s.take_actions()[0].id;
  EXPECT_FALSE(s.on_failure(id + 1, failure::busy));
  EXPECT_FALSE(s.on_failure(id + 9, failure::busy));
  EXPECT_TRUE(s.on_results(id, replies(1, "+OK\r\n")));
  EXPECT_FALSE(s.on_results(id, replies(1, "+OK\r\n")));
  EXPECT_EQ(s.take_output(), "+OK\r\n+PONG\r\n");
}

TEST(session, a_wrong_number_of_results_is_an_unknown_outcome) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nSET b 1\r\n");
  EXPECT_TRUE(s.on_results(s.take_actions()[0].id, replies(1, "+OK\r\n")));
  EXPECT_EQ(s.take_output().substr(0, 9), "-UNKNOWN ");
}

TEST(session, quit_closes_behind_all_replies) {
  lone_session s(1);
  s.on_bytes("SET a 1\r\nQUIT\r\nSET b 1\r\n");
  EXPECT_FALSE(s.wants_input());
  EXPECT_FALSE(s.finished());
  const auto actions = s.take_actions();
  ASSERT_EQ(shapes(actions), "P1");
  s.on_results(actions[0].id, replies(1, "+OK\r\n"));
  EXPECT_TRUE(s.finished());
  EXPECT_EQ(s.take_output(), "+OK\r\n+OK\r\n");
  s.on_bytes("PING\r\n");
  EXPECT_EQ(s.take_output(), "");
}

TEST(session, a_protocol_error_is_told_once_behind_all_replies) {
  lone_session s(1);
  s.on_bytes("GET a\r\n*1000000000\r\njunk");
  s.on_bytes("more junk");
  s.on_results(s.take_actions()[0].id, replies(1, "$-1\r\n"));
  EXPECT_TRUE(s.finished());
  EXPECT_EQ(s.take_output(), "$-1\r\n-ERR Protocol error: invalid multibulk length\r\n");
}

TEST(session, too_many_runs_stop_the_input) {
  lone_session s(1, {.max_runs = 3});
  std::vector<ticket> ids;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(s.wants_input());
    s.on_bytes("SET a 1\r\n");
    for (const action& a : s.take_actions()) ids.push_back(a.id);
  }
  EXPECT_FALSE(s.wants_input());
  s.on_bytes("SET a 1\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "");
  s.on_results(ids[0], replies(1, "+OK\r\n"));
  EXPECT_EQ(shapes(s.take_actions()), "P1");
}

TEST(session, too_many_bytes_stop_the_input) {
  lone_session s(1, {.max_bytes = 1000});
  s.on_bytes("SET a " + std::string(1000, 'x') + "\r\n");
  EXPECT_FALSE(s.wants_input());
  const std::string large = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
  s.on_results(s.take_actions()[0].id, replies(1, large));
  EXPECT_FALSE(s.wants_input());
  s.on_bytes("GET a\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "");
  EXPECT_EQ(s.take_output(), large);
  EXPECT_EQ(shapes(s.take_actions()), "R1");
  EXPECT_TRUE(s.wants_input());
}

TEST(session, long_runs_are_split) {
  lone_session s(1, {.max_run_commands = 2, .max_run_bytes = 100});
  s.on_bytes("SET a 1\r\nSET a 1\r\nSET a 1\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "P2 P1");
  s.on_bytes("SET a " + std::string(90, 'x') + "\r\nSET a " + std::string(90, 'x') + "\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "P1 P1");
}

// A leader for many sessions' worth of disorder: writes apply in order, and a linearizable read may
// be answered at any time after all writes that were issued before it, any other read at any time.
struct fake_node {
  kv::machine machine;
  std::deque<action> writes;
  struct pending_read {
    action asked;
    uint64_t after;  // writes to be applied before
  };
  std::vector<pending_read> reads;
  uint64_t issued = 0;
  uint64_t applied = 0;

  void take(session& s) {
    for (action& a : s.take_actions()) {
      if (a.what == kind::propose) {
        writes.push_back(std::move(a));
        ++issued;
      } else {
        const uint64_t after = a.mode == read_mode::linearizable ? issued : 0;
        reads.push_back({std::move(a), after});
      }
    }
  }

  void step(session& s, std::mt19937_64& random) {
    frames results;
    const size_t pick = reads.empty() ? 0 : random() % reads.size();
    if (!reads.empty() && reads[pick].after <= applied && random() % 2 == 0) {
      const action a = std::move(reads[pick].asked);
      reads.erase(reads.begin() + static_cast<std::ptrdiff_t>(pick));
      // At random, some of them do not fit.
      const size_t least = a.most < 1 << 20 ? 0 : 1;
      const size_t count = least + random() % (a.commands.size() + 1 - least);
      for (const std::string_view q : a.commands.view().first(static_cast<uint32_t>(count)))
        machine.query(q, results);
      s.on_results(a.id, results);
    } else if (!writes.empty()) {
      const action a = std::move(writes.front());
      writes.pop_front();
      ++applied;
      machine.apply(log_index(applied), a.commands, results);
      s.on_results(a.id, results);
    }
  }
  bool idle() const { return writes.empty() && reads.empty(); }
};

std::string random_commands(std::mt19937_64& random) {
  std::string script;
  for (int i = 0; i < 60; ++i) {
    const std::string key(1, static_cast<char>('a' + random() % 3));
    switch (random() % 8) {
      case 0:
        script += "SET " + key + " " + std::to_string(random() % 9) + "\r\n";
        break;
      case 1:
        script += "*2\r\n$4\r\nINCR\r\n$1\r\n" + key + "\r\n";
        break;
      case 2:
        script += "*2\r\n$3\r\nGET\r\n$1\r\n" + key + "\r\n";
        break;
      case 3:
        script += "MGET a b c\r\n";
        break;
      case 4:
        script += std::string(random() % 2 == 0 ? "READ stale GET " : "READ follower GET ") + key;
        script += "\r\n";
        break;
      case 5:
        script += "SESSION " + key + " " + std::to_string(1 + random() % 3) + " INCR n\r\n";
        break;
      case 6:
        script += "PING\r\n";
        break;
      default:
        script += "APPEND " + key + " 1\r\n";
        break;
    }
  }
  return script;
}

TEST(session, any_order_of_outcomes_looks_as_if_commands_ran_one_by_one) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string script = random_commands(random);
    std::string expected;
    {
      lone_session one(1);
      fake_node node;
      for (const char c : script) {
        one.on_bytes({&c, 1});
        for (node.take(one); !node.idle(); node.take(one)) node.step(one, random);
      }
      expected = one.take_output();
    }
    lone_session s(1, {.max_runs = 1 + random() % 5, .max_run_commands = 3});
    fake_node node;
    std::string got;
    std::string_view rest = script;
    while (!rest.empty() || !node.idle()) {
      if (s.wants_input() && random() % 2 == 0) {
        const size_t size = std::min<size_t>(1 + random() % 80, rest.size());
        s.on_bytes(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      got += s.take_output();
      node.take(s);
      node.step(s, random);
      node.take(s);
    }
    got += s.take_output();
    ASSERT_EQ(got, expected);
    ASSERT_EQ(s.bytes_held(), 0u);
  }
}

TEST(session, junk_never_breaks_it) {
  const uint64_t seed = 99;
  std::mt19937_64 random(seed);
  static constexpr std::string_view words[] = {
      "SET",  "a",    "GET",    " ",     "\r\n",   "*1\r\n", "$3\r\n", "READ", "CAS", "\"",
      "\xff", "SCAN", "*3\r\n", "HELLO", "CLIENT", "CONFIG", "stale",  "0",    "\n",  "MSET"};
  for (int round = 0; round < 100'000; ++round) {
    lone_session s(1);
    fake_node node;
    std::string junk;
    for (uint64_t n = random() % 16; n != 0; --n) junk += words[random() % std::size(words)];
    s.on_bytes(junk);
    for (node.take(s); !node.idle(); node.take(s)) node.step(s, random);
    ASSERT_LT(s.take_output().size(), 10'000u) << "seed " << seed << " round " << round;
    ASSERT_EQ(s.runs_outstanding(), 0u);
  }
}

}  // namespace
}  // namespace troupe::resp
