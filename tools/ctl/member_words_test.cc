#include "tools/ctl/member_words.h"

#include <sstream>

#include <gtest/gtest.h>

namespace troupe::tools {
namespace {

TEST(MemberWords, NodesWithAndWithoutAddress) {
  const std::string words[] = {"2", "1=host:7101", "3=[::1]:7103"};
  const auto nodes = parse_nodes(words);
  ASSERT_TRUE(nodes.ok());
  ASSERT_EQ(nodes->size(), 3u);
  EXPECT_EQ(nodes->at(node_id(1)).address, "host:7101");
  EXPECT_EQ(nodes->at(node_id(2)).address, "");
  EXPECT_EQ(nodes->at(node_id(3)).address, "[::1]:7103");
}

TEST(MemberWords, WhatIsNoNodeIsSaid) {
  for (const std::string word :
       {"", "0", "-1", "one", "1=", "1=host", "1=host:0", "=host:1", "1.5", "18446744073709551616",
        "1=0.0.0.0:7101", "1=[::]:7101", "1=host:1 ", "1=a host:1"})
    EXPECT_FALSE(parse_nodes(std::span(&word, 1)).ok()) << word;
  const std::string twice[] = {"1", "1=host:1"};
  EXPECT_EQ(parse_nodes(twice).status().message(), "node 1 stands twice");
}

TEST(MemberWords, AHostIsNoLongerThanDnsHasThem) {
  EXPECT_TRUE(parse_address(std::string(255, 'h') + ":65535").ok());
  EXPECT_FALSE(parse_address(std::string(256, 'h') + ":65535").ok());
}

TEST(MemberWords, ALogIdIsReadAsItIsPrinted) {
  const log_id id{{term(3), node_id(12)}, log_index(57)};
  std::ostringstream text;
  text << id;
  const auto read = parse_log_id(text.str());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, id);
}

TEST(MemberWords, WhatIsNoLogIdIsSaid) {
  for (const auto* word : {"", "57", "T3.N1", "3.1.57", "T3.N1/", "T.N/", "T3.N1/57/58",
                           "T3.N1.N2/5", "xT3.N1/57", "T-3.N1/57"})
    EXPECT_FALSE(parse_log_id(word).ok()) << word;
}

}  // namespace
}  // namespace troupe::tools
