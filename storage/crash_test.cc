// The power is cut after every call to the file system of a script, and comes back with every kind
// of remains. What was durable is there, what is there is a state that the log went through, and
// opening takes no manual step.
//
// A failure prints how to replay it: TROUPE_CRASH=<script>:<cut>:<remains>.
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "storage/scripted.h"

namespace troupe::storage {
namespace {

constexpr int script_length = 60;
constexpr uint64_t scripts = 6;
constexpr uint64_t remains_per_cut = 8;

// One run with one power cut, a second one early in the recovery, and a third after a little more
// work. False when the script ended before the cut.
bool run_with_cut(uint64_t script, uint64_t cut, uint64_t remains) {
  SCOPED_TRACE("replay with TROUPE_CRASH=" + std::to_string(script) + ":" + std::to_string(cut) +
               ":" + std::to_string(remains));
  memory_env files;
  crash_oracle oracle;
  scripted node(files, oracle, script);
  numbers fate(remains);
  files.power_off_at(cut);
  absl::Status stopped = node.open();
  if (stopped.ok()) stopped = node.run(script_length);
  const bool was_cut = files.power_is_off();
  EXPECT_TRUE(was_cut ? !stopped.ok() : stopped.ok()) << stopped;
  files.crash(remains);

  for (int again = 0; again < 3; ++again) {
    files.power_off_at(1 + fate.below(12));
    if (auto s = node.open(); !s.ok()) {
      EXPECT_TRUE(files.power_is_off()) << s;
    }
    files.crash(remains + 1000 + again);
  }
  for (int again = 0; again < 2; ++again) {
    const auto reopened = node.open();
    EXPECT_TRUE(reopened.ok()) << reopened;
    if (!reopened.ok()) return false;
    const std::string problem = node.judge();
    EXPECT_EQ(problem, "");
    if (!problem.empty()) return false;
    const auto more = node.run(6);
    EXPECT_TRUE(more.ok()) << more;
    files.crash(remains + 2000 + again);
  }
  return was_cut;
}

TEST(crash_test, no_power_cut_loses_or_damages_what_was_durable) {
  uint64_t script = 0, cut = 0, remains = 0;
  if (const char* replay = std::getenv("TROUPE_CRASH")) {
    ASSERT_EQ(std::sscanf(replay, "%lu:%lu:%lu", &script, &cut, &remains), 3);
    run_with_cut(script, cut, remains);
    return;
  }
  uint64_t runs = 0;
  for (script = 1; script <= scripts; ++script) {
    bool was_cut = true;
    for (cut = 1; was_cut && !testing::Test::HasFailure(); ++cut)
      for (remains = 1; remains <= remains_per_cut && was_cut; ++remains, ++runs)
        was_cut = run_with_cut(script, cut, remains + 100 * cut);
  }
  EXPECT_GT(runs, scripts * remains_per_cut * script_length);
  RecordProperty("runs", static_cast<int>(runs));
}

}  // namespace
}  // namespace troupe::storage
