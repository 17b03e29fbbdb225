// The power is cut before every call to the file system of a script, and comes back with every kind
// of remains. What was durable is there, what is there is a state that the log went through, and
// opening takes no manual step.
//
// A failure prints how to replay it: TROUPE_CRASH=<script>:<cut>:<remains>.
#include <cstdio>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "storage/replay.h"
#include "storage/scripted.h"

namespace troupe::storage {
namespace {

// The power is cut at this moment, three times more early in the recovery, and twice after a little
// more work.
void expect_recovery(scripted machine, uint64_t remains) {
  memory_env& files = machine.files();
  numbers fate(remains);
  files.crash(remains);
  for (int again = 0; again < 3; ++again) {
    files.power_off_at(1 + fate.below(12));
    if (auto s = machine.open(); !s.ok()) {
      EXPECT_TRUE(files.power_is_off()) << s;
    }
    files.crash(remains + 1000 + again);
  }
  for (int again = 0; again < 2; ++again) {
    const auto reopened = machine.open();
    ASSERT_TRUE(reopened.ok()) << reopened;
    ASSERT_EQ(machine.judge(), "");
    const auto more = machine.run(6);
    ASSERT_TRUE(more.ok()) << more;
    files.crash(remains + 2000 + again);
  }
}

struct cutting {
  uint64_t number;
  uint64_t remains_per_cut;
  std::function<absl::Status(scripted&)> run;
};

// How often each call was made, by what it was made for: "purge remove" for one.
using calls_made = std::map<std::string, uint64_t>;

calls_made cut_everywhere(const cutting& s) {
  uint64_t only_script = s.number, only_cut = 0, only_remains = 0;
  if (const auto which = replayed("TROUPE_CRASH")) {
    EXPECT_EQ(std::sscanf(which->c_str(), "%lu:%lu:%lu", &only_script, &only_cut, &only_remains),
              3);
  }
  if (only_script != s.number) return {};
  scripted machine(s.number);
  calls_made calls;
  uint64_t cut = 0;
  const auto cut_here = [&] {
    ++cut;
    if (only_cut != 0 && cut != only_cut) return;
    for (uint64_t i = 1; i <= s.remains_per_cut && !testing::Test::HasFailure(); ++i) {
      const uint64_t remains = i + 100 * cut;
      if (only_remains != 0 && remains != only_remains) continue;
      SCOPED_TRACE("replay with TROUPE_CRASH=" + std::to_string(s.number) + ":" +
                   std::to_string(cut) + ":" + std::to_string(remains) + ", cut in " +
                   std::string(machine.doing()));
      expect_recovery(machine, remains);
    }
  };
  machine.files().set_fault([&](std::string_view call, const std::string&) {
    cut_here();
    ++calls[std::string(machine.doing()) + " " + std::string(call)];
    return absl::OkStatus();
  });
  absl::Status done = machine.open();
  if (done.ok()) done = s.run(machine);
  EXPECT_TRUE(done.ok()) << done;
  cut_here();
  calls["all"] = cut;
  return calls;
}

TEST(crash_test, no_power_cut_loses_or_damages_what_was_durable) {
  for (uint64_t number = 1; number <= 6; ++number)
    cut_everywhere({number, 8, [](scripted& machine) { return machine.run(60); }});
}

TEST(crash_test, five_hundred_writes_survive_a_power_cut_at_every_call) {
  auto calls =
      cut_everywhere({500, 32, [](scripted& machine) { return machine.run_until_written(500); }});
  if (calls.empty()) return;  // another script is replayed
  RecordProperty("cuts", static_cast<int>(calls["all"]));
  EXPECT_GT(calls["append rename"], 20u) << "segments are begun";
  EXPECT_GT(calls["truncate truncate"], 20u);
  EXPECT_GT(calls["truncate remove"], 5u) << "whole segments are truncated";
  EXPECT_GT(calls["purge remove"], 5u) << "whole segments are purged";
  EXPECT_GT(calls["reset remove"], 5u) << "a snapshot takes their place";
  EXPECT_GT(calls["save_vote sync"], 50u);
  EXPECT_GT(calls["open create_dirs"], 5u);
}

}  // namespace
}  // namespace troupe::storage
