#include "actors/core/quorum_text.h"

#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::core {
namespace {

using child = quorum::child;

quorum parsed(const std::string& text) {
  const auto q = parse_quorum(text);
  EXPECT_TRUE(q.ok()) << text << ": " << q.status();
  return q.ok() ? *q : quorum();
}

quorum majority(uint64_t a, uint64_t b, uint64_t c) {
  return quorum::majority({node_id(a), node_id(b), node_id(c)});
}

std::vector<child> voters(uint64_t count) {
  std::vector<child> all;
  for (uint64_t i = 1; i <= count; ++i) all.emplace_back(1, node_id(i));
  return all;
}

// -- the grammar ----------------------------------------------------------------------------------

TEST(quorum_text_test, each_rule_of_the_grammar_means_what_it_says) {
  EXPECT_EQ(parsed("majority(1,2,3)"), majority(1, 2, 3));
  EXPECT_EQ(parsed("2 of (1,2,3)"), majority(1, 2, 3));
  EXPECT_EQ(parsed("3 of (1,2,3)"), quorum(voters(3), 3, 3));
  EXPECT_EQ(parsed("read 3 write 2 of (1,2,3,4)"), quorum(voters(4), 3, 2));
  EXPECT_EQ(parsed("read 3 write 4 of (1*2, 2, 3)"),
            quorum({{2, node_id(1)}, {1, node_id(2)}, {1, node_id(3)}}, 3, 4));
  EXPECT_EQ(parsed("majority(1*3, 2, 3)"),
            quorum({{3, node_id(1)}, {1, node_id(2)}, {1, node_id(3)}}, 3, 3))
      << "more than half of the weight, not of the voters";
  EXPECT_EQ(parsed("majority(majority(1,2,3)*2, 2 of (4,5,6), 7)"),
            quorum({{2, majority(1, 2, 3)}, {1, majority(4, 5, 6)}, {1, node_id(7)}}, 3, 3));
  EXPECT_EQ(parsed("2 of {a: majority(1,2,3), zone.b-2_: majority(4,5,6)*1, read: 7, 8}"),
            quorum({{1, majority(1, 2, 3), "a"},
                    {1, majority(4, 5, 6), "zone.b-2_"},
                    {1, node_id(7), "read"},
                    {1, node_id(8)}},
                   2, 2));
}

TEST(quorum_text_test, white_space_between_tokens_means_nothing) {
  EXPECT_EQ(parsed(" \t2of(1,2,\n3 ) "), majority(1, 2, 3));
  EXPECT_EQ(parsed("2 of{a:1*2,b :2}"), parsed("2 of { a : 1 * 2 , b: 2 }"));
}

TEST(quorum_text_test, there_is_one_canonical_text) {
  const struct {
    std::string text, canonical;
  } cases[] = {
      {" majority ( 1 , 2 , 3 ) ", "majority(1,2,3)"},
      {"2 of (1,2,3)", "majority(1,2,3)"},
      {"read 2 write 2 of {1,2,3}", "majority(1,2,3)"},
      {"read 3 write 3 of (1,2,3)", "3 of (1,2,3)"},
      {"read 3 write 2 of (1,2,3,4)", "read 3 write 2 of (1,2,3,4)"},
      {"3 of (1*2,2*1,03)", "majority(1*2,2,3)"},
      {"1 of (majority(1,2)*7,3)", "1 of (majority(1,2)*7, 3)"},
      {"2 of{a:1,b:majority(2,3)}", "majority{a: 1, b: majority(2,3)}"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(print(parsed(text)), canonical);
  std::ostringstream out;
  out << majority(1, 2, 3) << ' ' << quorum();
  EXPECT_EQ(out.str(), "majority(1,2,3) 0 of ()") << "and it is the form in logs";
}

// Grows random well-formed trees.
class tree_maker {
 public:
  explicit tree_maker(uint64_t seed) : random_(seed) {}

  quorum tree(size_t depth) {
    std::vector<child> children;
    uint64_t total = 0;
    for (uint64_t size = 1 + below(4); children.size() < size;) {
      child c{below(2) ? 1 : 1 + below(quorum::max_weight), node_id(next_++)};
      if (below(20) == 0) c.kind = node_id(~next_);
      if (depth < quorum::max_depth && below(3) == 0) c.kind = tree(depth + 1);
      if (below(4) == 0) c.name = name();
      total += c.weight;
      children.push_back(c);
    }
    const uint64_t read = below(3) ? total / 2 + 1 : 1 + below(total);
    return quorum(children, read, below(3) ? read : 1 + below(total));
  }

  std::string garbled(std::string text) {
    constexpr std::string_view alphabet("majorityreadwriteof(){}:*,, 0123456789\0\xff\n", 42);
    for (uint64_t edits = 1 + below(3); edits > 0; --edits) {
      const size_t at = below(text.size() + 1);
      const auto letter = alphabet.substr(below(alphabet.size()), 1);
      text.replace(at, below(3), below(3) ? letter : std::string_view());
    }
    return text;
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  std::string name() {
    std::string found(1, static_cast<char>('a' + below(26)));
    for (uint64_t more = below(quorum::max_name); more > 0; --more) found += "aZ09_-."[below(7)];
    return found;
  }

  std::mt19937_64 random_;
  uint64_t next_ = 1;
};

TEST(quorum_text_test, every_tree_comes_back_from_its_text) {
  for (uint64_t seed = 1; seed <= 5000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    const auto tree = tree_maker(seed).tree(1);
    if (!tree.check_form().ok()) {
      ASSERT_GT(tree.voters().size(), 100u) << tree.check_form() << "only size is left to chance";
      continue;
    }
    const auto text = print(tree);
    ASSERT_EQ(parsed(text), tree) << text;
    ASSERT_EQ(print(parsed(text)), text);
  }
}

// -- refusals -------------------------------------------------------------------------------------

std::string refusal(const std::string& text) {
  const auto q = parse_quorum(text);
  if (q.ok()) return "";
  EXPECT_EQ(q.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(q.status().message());
}

TEST(quorum_text_test, every_refusal_says_what_was_expected_and_where) {
  const struct {
    std::string text, why;
  } cases[] = {
      {"", "column 1: expected majority, read or a threshold, found the end"},
      {"some(1)", "column 1: expected majority, read or a threshold, found 'some'"},
      {"majority", "column 9: expected '(' or '{', found the end"},
      {"majority[1]", "column 9: expected '(' or '{', found '['"},
      {"majority()", "column 10: expected a voter or a group, found ')'"},
      {"majority(1,)", "column 12: expected a voter or a group, found ')'"},
      {"majority(a: 1)", "column 10: expected a voter or a group, found 'a'"},
      {"majority{a: b: 1}", "column 13: expected a voter or a group, found 'b'"},
      {"majority{: 1}", "column 10: expected a voter or a group, found ':'"},
      {"majority{_a: 1}", "column 10: expected a voter or a group, found '_'"},
      {"majority(1 2)", "column 12: expected ',' or ')', found '2'"},
      {"majority(1}", "column 11: expected ',' or ')', found '}'"},
      {"majority{1)", "column 11: expected ',' or '}', found ')'"},
      {"majority(1)  of", "column 14: expected the end, found 'of'"},
      {"majority(1\x01", "column 11: expected ',' or ')', found '\\x01'"},
      {"2 (1,2,3)", "column 3: expected 'of', found '('"},
      {"read of (1)", "column 6: expected a threshold, found 'of'"},
      {"read 1 of (1)", "column 8: expected 'write', found 'of'"},
      {"read 1 write of (1)", "column 14: expected a threshold, found 'of'"},
      {"0 of (1)", "column 1: expected a threshold, found '0'"},
      {"4 of (1,2,3)", "column 1: the threshold exceeds the total weight 3"},
      {"read 1 write 4 of (1,2,3)", "column 14: the threshold exceeds the total weight 3"},
      {"majority(0)", "column 10: expected a node id, found '0'"},
      {"majority(18446744073709551616)", "column 10: expected a node id, found '1844"},
      {"majority(1,2,1)", "column 14: voter 1 stands twice"},
      {"majority(1, majority(1))", "column 22: voter 1 stands twice"},
      {"majority(1*0)", "column 12: expected a weight from 1 to 1000, found '0'"},
      {"majority(1*1001)", "column 12: expected a weight from 1 to 1000, found '1001'"},
      {"majority(1*)", "column 12: expected a weight from 1 to 1000, found ')'"},
      {"majority{" + std::string(33, 'a') + ": 1}", "column 10: expected a name of at most 32"},
  };
  for (const auto& [text, why] : cases)
    EXPECT_EQ(refusal(text).substr(0, 8 + why.size()), "quorum: " + why) << text;
}

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "majority(";
  return text + "1" + std::string(depth, ')');
}

std::string many(int count) {
  std::string text = "majority(1";
  for (int i = 2; i <= count; ++i) text += "," + std::to_string(i);
  return text + ")";
}

TEST(quorum_text_test, depth_and_size_are_bounded) {
  EXPECT_EQ(refusal(nested(8)), "");
  EXPECT_EQ(refusal(nested(9)), "quorum: column 73: more than 8 groups in each other");
  EXPECT_NE(refusal(nested(100'000)), "");
  EXPECT_EQ(refusal(many(255)), "");
  EXPECT_EQ(refusal(many(256)), "quorum: column 922: more than 255 voters and groups");
}

// Nothing crashes, and what is accepted has a form that is legal and a text that is stable.
TEST(quorum_text_test, garbled_text_is_refused_or_well_formed) {
  int accepted = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 20000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    tree_maker make(seed);
    const auto text = make.garbled(print(make.tree(6)));
    const auto q = parse_quorum(text);
    ++(q.ok() ? accepted : refused);
    if (!q.ok()) continue;
    ASSERT_TRUE(q->check_form().ok()) << text;
    ASSERT_EQ(parsed(print(*q)), *q) << text;
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace troupe::core
