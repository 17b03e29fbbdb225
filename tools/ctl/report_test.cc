#include "tools/ctl/report.h"

#include <gtest/gtest.h>

namespace troupe::tools {
namespace {

TEST(Report, ResultsOfEveryKind) {
  EXPECT_EQ(result_text(parse_result("+OK\r\n")), "OK");
  EXPECT_EQ(result_text(parse_result(":-7\r\n")), "-7");
  EXPECT_EQ(result_text(parse_result("$-1\r\n")), "(nil)");
  EXPECT_EQ(result_text(parse_result("$0\r\n\r\n")), "");
  EXPECT_EQ(result_text(parse_result("$4\r\na\r\nb\r\n")), "a\r\nb");
  EXPECT_EQ(parse_result("-WRONGTYPE no number\r\n").what, result::kind::error);
}

TEST(Report, AnswersThatCannotBeReadAreErrors) {
  for (const auto* bytes : {"", "+", "$5\r\nabc\r\n", "$\r\n", ":\r\n", ":x\r\n", "*1\r\n", "junk"})
    EXPECT_NE(parse_result(bytes).what, result::kind::number) << bytes;
  EXPECT_EQ(parse_result("").what, result::kind::error);
  EXPECT_EQ(parse_result("$5\r\nabc\r\n").what, result::kind::error);
  EXPECT_EQ(parse_result("junk").what, result::kind::error);
}

TEST(Report, ResultsAsJson) {
  EXPECT_EQ(result_json(parse_result("+OK\r\n")), R"({"result":"OK"})");
  EXPECT_EQ(result_json(parse_result(":3\r\n")), R"({"result":3})");
  EXPECT_EQ(result_json(parse_result("$-1\r\n")), R"({"result":null})");
  EXPECT_EQ(result_json(parse_result("$1\r\n\xff\r\n")), "{\"result\":\"\xEF\xBF\xBD\"}");
}

status sample() {
  status s;
  s.id = node_id(1);
  s.role = "leader";
  s.vote = {{term(3), node_id(1)}, true};
  s.leader = node_id(1);
  s.last = s.committed = log_index(9);
  s.applied = log_index(8);
  s.members = core::membership::of_majority({{node_id(1), "a:1"}, {node_id(2), "b:2"}});
  s.membership_at = {{term(2), node_id(3)}, log_index(5)};
  s.membership_committed = true;
  s.replication = {{node_id(2), log_index(7), "streaming", 12, {}}};
  s.version = "0.1";
  return s;
}

TEST(Report, StatusForPeople) {
  EXPECT_EQ(status_text(sample()),
            "node 1: leader, version 0.1\n"
            "vote: term 3 of node 1, elected\n"
            "log: last 9, committed 9, applied 8\n"
            "members: majority(1,2)\n"
            "  1 a:1 voter\n"
            "  2 b:2 voter, streaming, has up to 7, answered 12 ms ago\n");
}

TEST(Report, WhatIsLostAndWhoWasNotHeardOf) {
  auto s = sample();
  s.snapshot = log_index(4);
  s.state_lost = "4.snapshot: it is missing";
  s.replication = {{node_id(2), log_index(0), "unreachable", 120, {}}};
  EXPECT_EQ(
      status_text(s),
      "node 1: leader, version 0.1\n"
      "vote: term 3 of node 1, elected\n"
      "log: last 9, committed 9, applied 8\n"
      "snapshot: up to 4\n"
      "THE MACHINE'S STATE IS LOST here, and asked of other nodes: 4.snapshot: it is missing\n"
      "members: majority(1,2)\n"
      "  1 a:1 voter\n"
      "  2 b:2 voter, unreachable, nothing heard of its log yet\n");
}

TEST(Report, MembersForPeople) {
  auto s = sample();
  auto nodes = s.members.nodes();
  nodes[node_id(1)].incarnation = nodes[node_id(2)].incarnation = 7;
  nodes[node_id(1)].priority = 4;
  nodes[node_id(3)].address = "c:3";
  s.members = {s.members.configs(), nodes};
  s.replication.push_back({node_id(3), log_index(9), "probing", 0, {}});
  EXPECT_EQ(members_text(s),
            "1 a:1 voter, leads, priority 4\n"
            "2 b:2 voter, streaming, lacks 2 entries\n"
            "3 c:3 learner, probing, lacks nothing, its data directory is not known yet\n"
            "majority(1,2) since T2.N3/5\n");
  s.members = {{core::quorum::majority({node_id(1)}), core::quorum::majority({node_id(2)})}, nodes};
  s.replication.clear();
  s.membership_committed = false;
  EXPECT_EQ(members_text(s),
            "1 a:1 voter, leads, priority 4\n"
            "2 b:2 voter\n"
            "3 c:3 learner, its data directory is not known yet\n"
            "joint, majority(1) and majority(2) since T2.N3/5, not committed\n");
}

TEST(Report, MembersThatTakeNothing) {
  auto s = sample();
  s.replication[0].state = "replaced";
  EXPECT_NE(members_text(s).find("2 b:2 voter, came back with another data directory: remove it, "
                                 "then add it again, its"),
            std::string::npos)
      << members_text(s);
  s.replication[0].state = "refuses";
  EXPECT_NE(members_text(s).find("2 b:2 voter, refuses what it is sent: its log says why, its"),
            std::string::npos)
      << members_text(s);
}

TEST(Report, WhoWasRemovedKnowsOfNoLeaderAndThatIsNotTheTrouble) {
  auto s = sample();
  s.role = "no member";
  s.leader = {};
  EXPECT_TRUE(status_text(s).starts_with("node 1: no member, version")) << status_text(s);
}

TEST(Report, StatusWithoutLeaderOrMembers) {
  status s;
  s.id = node_id(2);
  s.role = "learner";
  s.version = "0.1";
  EXPECT_EQ(status_text(s),
            "node 2: learner, no leader known, version 0.1\n"
            "vote: none yet\n"
            "log: last 0, committed 0, applied 0\n"
            "members: none yet\n");
}

}  // namespace
}  // namespace troupe::tools
