#include "tools/flags/flags.h"

#include <gtest/gtest.h>

#include "absl/flags/flag.h"
#include "absl/time/time.h"

ABSL_FLAG(absl::Duration, patience, absl::Seconds(1), "");
ABSL_FLAG(uint64_t, members, 1, "");
ABSL_FLAG(bool, loud, false, "");

namespace troupe::tools {
namespace {

void parse(std::vector<std::string> line) {
  std::vector<char*> argv{const_cast<char*>("tool")};
  for (auto& word : line) argv.push_back(word.data());
  parse_flags({"tool", "", "tools/flags/"}, static_cast<int>(argv.size()), argv.data());
}

TEST(Flags, AValueThatIsNoneIsToldWhatWouldBe) {
  const auto refused = testing::ExitedWithCode(2);
  EXPECT_EXIT(parse({"--patience=5"}), refused, "--patience: '5' is not a duration such as 5s");
  EXPECT_EXIT(parse({"--members=x"}), refused, "--members: 'x' is not a whole number");
  EXPECT_EXIT(parse({"--loud=maybe"}), refused, "--loud: 'maybe' is not true or false");
}

TEST(Flags, ASlipOfTheFingersIsTold) {
  const std::string known[] = {"get", "members", "remove"};
  for (const auto* word : {"memebrs", "member", "mmbers", "members2", "Members"})
    EXPECT_EQ(did_you_mean(word, known), ", did you mean 'members'?") << word;
  for (const auto* word : {"", "x", "frobnicate", "mebmesr2"})
    EXPECT_EQ(did_you_mean(word, known), "") << word;
  EXPECT_EXIT(parse({"--memebrs=3"}), testing::ExitedWithCode(2), "did you mean 'members'");
}

}  // namespace
}  // namespace troupe::tools
