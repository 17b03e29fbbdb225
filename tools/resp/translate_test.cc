#include "tools/resp/translate.h"

#include <vector>

#include <gtest/gtest.h>

#include "tools/kv/command.h"

namespace troupe::resp {
namespace {

class translating : public testing::Test {
 protected:
  const request& send(std::vector<std::string_view> command) {
    translate(command, who, last);
    return last;
  }
  // The reply of a local command.
  std::string reply(std::vector<std::string_view> command) {
    EXPECT_EQ(send(std::move(command)).kind, request_kind::local);
    return last.bytes;
  }
  // `OP flags|argument|…` of a write or query; before it `id sequence` of its session.
  std::string encoded(std::vector<std::string_view> command) {
    send(std::move(command));
    EXPECT_TRUE(last.kind == request_kind::write || last.kind == request_kind::read) << last.bytes;
    kv::command c;
    EXPECT_EQ(kv::parse(last.bytes, c), "");
    EXPECT_EQ(kv::is_write(c.what), last.kind == request_kind::write);
    std::string text;
    if (c.sequence != 0) text = std::string(c.session) + " " + std::to_string(c.sequence) + " ";
    text += std::to_string(static_cast<int>(c.what)) + " " + std::to_string(c.flags);
    const bool increment = c.what == kv::op::incr_by;
    for (int i = 0; !c.args.done(); ++i) {
      text += "|";
      if ((increment && i == 1) || (c.what == kv::op::scan && i < 2))
        text += std::to_string(c.args.take_number());
      else
        text += c.args.take();
    }
    return text;
  }

  client who{7, ""};
  request last;
};

TEST_F(translating, writes_become_commands) {
  EXPECT_EQ(encoded({"SET", "k", "v"}), "1 0|k|v");
  EXPECT_EQ(encoded({"sEt", "k", "v", "nx"}), "1 1|k|v");
  EXPECT_EQ(encoded({"SET", "k", "v", "GET", "XX"}), "1 6|k|v");
  EXPECT_EQ(encoded({"GETSET", "k", "v"}), "2 0|k|v");
  EXPECT_EQ(encoded({"DEL", "a", "b"}), "3 0|a|b");
  EXPECT_EQ(encoded({"INCR", "k"}), "4 0|k|1");
  EXPECT_EQ(encoded({"DECR", "k"}), "4 0|k|-1");
  EXPECT_EQ(encoded({"INCRBY", "k", "-5"}), "4 0|k|-5");
  EXPECT_EQ(encoded({"DECRBY", "k", "5"}), "4 0|k|-5");
  EXPECT_EQ(encoded({"APPEND", "k", "v"}), "5 0|k|v");
  EXPECT_EQ(encoded({"MSET", "a", "1", "b", "2"}), "6 0|a|1|b|2");
  EXPECT_EQ(encoded({"FLUSHALL"}), "7 0");
  EXPECT_EQ(encoded({"FLUSHALL", "async"}), "7 0");
  EXPECT_EQ(encoded({"CAS", "k", "", "n"}), "8 0|k||n");
  EXPECT_EQ(encoded({"CAS", "k", "NIL", "n"}), "9 0|k|n");
}

TEST_F(translating, reads_become_queries) {
  EXPECT_EQ(encoded({"GET", "k"}), "128 0|k");
  EXPECT_EQ(last.mode, read_mode::linearizable);
  EXPECT_EQ(encoded({"EXISTS", "a", "b"}), "129 0|a|b");
  EXPECT_EQ(encoded({"STRLEN", "k"}), "130 0|k");
  EXPECT_EQ(encoded({"MGET", "a", "b"}), "131 0|a|b");
  EXPECT_EQ(encoded({"DBSIZE"}), "132 0");
  EXPECT_EQ(encoded({"SCAN", "0"}), "133 0|0|10");
  EXPECT_EQ(encoded({"SCAN", "281474976710655", "COUNT", "3", "match", ""}),
            "133 0|281474976710655|3|");
}

TEST_F(translating, a_read_may_choose_its_mode) {
  EXPECT_EQ(encoded({"READ", "stale", "GET", "k"}), "128 0|k");
  EXPECT_EQ(last.mode, read_mode::stale);
  EXPECT_EQ(encoded({"read", "LEASE", "dbsize"}), "132 0");
  EXPECT_EQ(last.mode, read_mode::lease);
  EXPECT_EQ(encoded({"GET", "k"}), "128 0|k");
  EXPECT_EQ(last.mode, read_mode::linearizable);
  const std::string refused = "-ERR READ takes a command that only reads\r\n";
  EXPECT_EQ(reply({"READ", "stale", "SET", "k", "v"}), refused);
  EXPECT_EQ(reply({"READ", "stale", "PING"}), refused);
  EXPECT_EQ(reply({"READ", "stale", "READ", "stale", "GET", "k"}), refused);
  EXPECT_EQ(reply({"READ", "fast", "GET", "k"}),
            "-ERR the mode of READ is linearizable, lease, follower or stale\r\n");
  EXPECT_EQ(reply({"READ", "stale", "GET"}),
            "-ERR wrong number of arguments for 'get' command\r\n");
}

TEST_F(translating, every_write_may_stand_in_a_session) {
  EXPECT_EQ(encoded({"SESSION", "me", "1", "SET", "k", "v", "NX"}), "me 1 1 1|k|v");
  EXPECT_EQ(encoded({"session", "me", "7", "incr", "k"}), "me 7 4 0|k|1");
  EXPECT_EQ(encoded({"SESSION", "me", "18446744073709551615", "FLUSHALL"}),
            "me 18446744073709551615 7 0");
  EXPECT_EQ(encoded({"SESSION", std::string_view("\0\n", 2), "1", "CAS", "k", "NIL", "n"}),
            std::string("\0\n", 2) + " 1 9 0|k|n");
  EXPECT_EQ(encoded({"SESSION", "NEW"}), "11 0");
  EXPECT_EQ(encoded({"SESSION", "NEW", "1", "DEL", "k"}), "NEW 1 3 0|k");
}

TEST_F(translating, a_session_refuses_what_does_not_write) {
  const std::string refused = "-ERR SESSION takes a command that writes\r\n";
  EXPECT_EQ(reply({"SESSION", "me", "1", "GET", "k"}), refused);
  EXPECT_EQ(reply({"SESSION", "me", "1", "READ", "stale", "GET", "k"}), refused);
  EXPECT_EQ(reply({"SESSION", "me", "1", "PING"}), refused);
  EXPECT_EQ(reply({"SESSION", "me", "1", "fly"}), refused);
  EXPECT_EQ(reply({"SESSION", "me", "1", "SESSION", "NEW"}), refused);
  EXPECT_EQ(reply({"SESSION", "me", "1", "SESSION", "me", "1", "DEL", "k"}), refused);
  EXPECT_EQ(reply({"READ", "stale", "SESSION", "me", "1", "DEL", "k"}),
            "-ERR READ takes a command that only reads\r\n");
}

TEST_F(translating, a_malformed_session_is_an_error) {
  const std::string number = "-ERR wrong number of arguments for 'session' command\r\n";
  EXPECT_EQ(reply({"SESSION"}), number);
  EXPECT_EQ(reply({"SESSION", "OLD"}), number);
  EXPECT_EQ(reply({"SESSION", "me", "1"}), number);
  EXPECT_EQ(reply({"SESSION", "me", "1", "INCR"}),
            "-ERR wrong number of arguments for 'incr' command\r\n");
  EXPECT_EQ(reply({"SESSION", "me", "1", "INCRBY", "k", "x"}),
            "-ERR value is not an integer or out of range\r\n");
  for (const auto* sequence : {"0", "-1", "one", "18446744073709551616"})
    EXPECT_EQ(reply({"SESSION", "me", sequence, "DEL", "k"}),
              "-ERR the sequence of SESSION is a number from 1 to 18446744073709551615\r\n");
  const std::string id(129, 'i');
  EXPECT_EQ(reply({"SESSION", id, "1", "DEL", "k"}),
            "-ERR session id is longer than 128 bytes\r\n");
}

TEST_F(translating, errors_are_worded_as_in_redis) {
  EXPECT_EQ(reply({"GET"}), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(reply({"GET", "a", "b"}), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(reply({"MSET", "a", "b", "c"}),
            "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(reply({"fly\r\n", "a", "b"}),
            "-ERR unknown command 'fly  ', with args beginning with: 'a' 'b' \r\n");
  EXPECT_EQ(reply({""}), "-ERR unknown command '', with args beginning with: \r\n");
  EXPECT_EQ(reply({"SET", "k", "v", "EX"}), "-ERR syntax error\r\n");
  EXPECT_EQ(reply({"SET", "k", "v", "NX", "XX"}), "-ERR syntax error\r\n");
  EXPECT_EQ(reply({"INCRBY", "k", "1.5"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(reply({"DECRBY", "k", "-9223372036854775808"}), "-ERR decrement would overflow\r\n");
  EXPECT_EQ(reply({"SCAN", "x"}), "-ERR invalid cursor\r\n");
  EXPECT_EQ(reply({"SCAN", "0", "COUNT", "0"}), "-ERR syntax error\r\n");
  EXPECT_EQ(reply({"SCAN", "0", "COUNT"}), "-ERR syntax error\r\n");
}

TEST_F(translating, what_clients_say_first_is_answered) {
  EXPECT_EQ(reply({"PING"}), "+PONG\r\n");
  EXPECT_EQ(reply({"PING", "x"}), "$1\r\nx\r\n");
  EXPECT_EQ(reply({"ECHO", "x"}), "$1\r\nx\r\n");
  EXPECT_EQ(reply({"SELECT", "0"}), "+OK\r\n");
  EXPECT_EQ(reply({"SELECT", "1"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(reply({"COMMAND", "DOCS"}), "*0\r\n");
  EXPECT_EQ(reply({"COMMAND", "COUNT"})[0], ':');
  EXPECT_EQ(reply({"CONFIG", "GET", "save"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(reply({"CONFIG", "GET", "appendonly"}), "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
  EXPECT_EQ(reply({"CONFIG", "GET", "other"}), "*0\r\n");
  EXPECT_EQ(reply({"CLIENT", "SETNAME", "me"}), "+OK\r\n");
  EXPECT_EQ(reply({"CLIENT", "GETNAME"}), "$2\r\nme\r\n");
  EXPECT_EQ(reply({"CLIENT", "SETNAME", "a b"}).substr(0, 5), "-ERR ");
  EXPECT_EQ(reply({"CLIENT", "ID"}), ":7\r\n");
  EXPECT_EQ(reply({"INFO"})[0], '$');
}

TEST_F(translating, hello_speaks_version_two_only) {
  EXPECT_EQ(reply({"HELLO"}).substr(0, 5), "*14\r\n");
  EXPECT_EQ(reply({"HELLO", "2", "SETNAME", "you"}).substr(0, 5), "*14\r\n");
  EXPECT_EQ(who.name, "you");
  EXPECT_EQ(reply({"HELLO", "3"}), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(reply({"HELLO", "2", "AUTH", "a", "b"}).substr(0, 5), "-ERR ");
}

TEST_F(translating, questions_to_the_node_carry_their_argument) {
  EXPECT_EQ(send({"STATUS"}).kind, request_kind::admin);
  EXPECT_EQ(last.admin, admin_request::status);
  EXPECT_EQ(send({"LOGHASH", "42"}).admin, admin_request::log_hash);
  EXPECT_EQ(last.argument, 42u);
  EXPECT_EQ(send({"MEMBERS"}).admin, admin_request::members);
  EXPECT_EQ(reply({"LOGHASH", "-1"}), "-ERR value is not an integer or out of range\r\n");
}

TEST_F(translating, quit_and_http_hang_up) {
  EXPECT_EQ(send({"quit"}).kind, request_kind::hang_up);
  EXPECT_EQ(last.bytes, "+OK\r\n");
  EXPECT_EQ(send({"POST", "/", "HTTP/1.1"}).kind, request_kind::hang_up);
  EXPECT_EQ(send({"Host:", "x"}).kind, request_kind::hang_up);
}

}  // namespace
}  // namespace troupe::resp
