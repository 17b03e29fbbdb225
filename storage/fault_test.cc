// An error of the file system at every single call of a script, and a disk that is full at every
// size: nothing is acknowledged that is not there, neither after a restart nor after a power cut,
// and what could not be read is never taken for absent.
//
// A failure prints the call, its number and the script; TROUPE_FAULT=<call>:<number> runs that one.
#include <functional>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "storage/replay.h"
#include "storage/scripted.h"

namespace troupe::storage {
namespace {

constexpr int script_length = 10000;
constexpr uint64_t most_calls = 2000;  // of each kind
constexpr uint64_t scripts = 5;

// Calls to the file system by name. "open" makes a file; "open_existing" only reads.
using calls_made = std::map<std::string, uint64_t>;

void ask_at_each_call(
    memory_env& files,
    const std::function<absl::Status(const std::string& call, const std::string& path)>& ask) {
  files.set_fault([ask](std::string_view call, const std::string& path) {
    return ask(std::string(call), path);
  });
  files.set_read_fault([ask](std::string_view call, const std::string& path) {
    return ask(call == "open" ? "open_existing" : std::string(call), path);
  });
}

// A script that met no fault. It remembers the machine at each start of the process, so that not
// every run with a fault has to begin at the beginning.
class rehearsal {
 public:
  struct start {
    calls_made before;
    scripted machine;
  };

  explicit rehearsal(uint64_t script) {
    scripted machine(script);
    ask_at_each_call(machine.files(), [&](const std::string& call, const std::string& path) {
      // What opening does first.
      if (call == "create_dirs" && path == scripted::options().dir)
        starts_.push_back({all_, machine});
      ++all_[call];
      return absl::OkStatus();
    });
    auto done = machine.open();
    if (done.ok()) done = machine.run(script_length);
    EXPECT_TRUE(done.ok()) << done;
  }

  // The last start before the call with this number; nothing when the script has no such call.
  const start* before(const std::string& kind, uint64_t number) const {
    if (const auto all = all_.find(kind); all == all_.end() || all->second < number) return nullptr;
    const start* last = nullptr;
    for (const auto& each : starts_)
      if (const auto made = each.before.find(kind);
          made == each.before.end() || made->second < number)
        last = &each;
    return last;
  }

 private:
  calls_made all_;
  std::vector<start> starts_;
};

const rehearsal& rehearsal_of(uint64_t script) {
  static std::map<uint64_t, rehearsal> made;
  return made.try_emplace(script, script).first->second;
}

// Opens it again, twice with a little work between: after a restart, and after a power cut.
void expect_nothing_lost(scripted& machine, uint64_t remains) {
  for (int again = 0; again < 2; ++again) {
    const auto reopened = machine.open();
    ASSERT_TRUE(reopened.ok()) << reopened;
    ASSERT_EQ(machine.judge(), "");
    const auto more = machine.run(6);
    ASSERT_TRUE(more.ok()) << more;
    machine.files().crash(remains + again);
  }
}

// False when the script has no such call.
bool run_with_fault(const std::string& kind, uint64_t number) {
  SCOPED_TRACE("replay with TROUPE_FAULT=" + kind + ":" + std::to_string(number));
  const auto* const start = rehearsal_of(1 + number % scripts).before(kind, number);
  if (start == nullptr) return false;
  scripted machine(start->machine);
  uint64_t calls = start->before.count(kind) != 0 ? start->before.at(kind) : 0;
  std::string where;
  ask_at_each_call(machine.files(), [&](const std::string& call, const std::string& path) {
    if (call != kind || ++calls != number) return absl::OkStatus();
    where = path;
    return absl::UnavailableError(path + ": input/output error");
  });
  absl::Status stopped = machine.open();
  if (stopped.ok()) stopped = machine.run(script_length);
  EXPECT_NE(where, "") << "the call was not reached";
  EXPECT_TRUE(absl::IsUnavailable(stopped)) << "nobody heard of it: " << stopped;
  EXPECT_NE(stopped.message().find(where), absl::string_view::npos) << stopped;
  machine.files().set_fault(nullptr);
  machine.files().set_read_fault(nullptr);
  // An error of a read stops nobody.
  if (machine.doing() == "read") {
    EXPECT_EQ(machine.judge(), "");
  }
  expect_nothing_lost(machine, number);
  return true;
}

void run_with_all_faults(const std::string& kind, uint64_t least = 4) {
  if (const auto which = replayed("TROUPE_FAULT")) {
    const auto colon = which->find(':');
    if (which->substr(0, colon) == kind)
      run_with_fault(kind, std::stoull(which->substr(colon + 1)));
    return;
  }
  uint64_t number = 1;
  while (number <= most_calls && !testing::Test::HasFailure() && run_with_fault(kind, number))
    ++number;
  EXPECT_GT(number, least) << "the script has so many";
  testing::Test::RecordProperty("calls", static_cast<int>(number - 1));
}

// Scenario 69, at every call.
TEST(fault_test, an_error_of_any_write_loses_nothing) { run_with_all_faults("write", most_calls); }
TEST(fault_test, an_error_of_any_sync_loses_nothing) { run_with_all_faults("sync", most_calls); }
TEST(fault_test, an_error_of_any_truncation_loses_nothing) { run_with_all_faults("truncate"); }
TEST(fault_test, an_error_of_any_allocation_loses_nothing) { run_with_all_faults("allocate"); }
TEST(fault_test, an_error_of_any_creation_loses_nothing) { run_with_all_faults("open"); }
TEST(fault_test, an_error_of_any_removal_loses_nothing) { run_with_all_faults("remove"); }
TEST(fault_test, an_error_of_any_renaming_loses_nothing) { run_with_all_faults("rename"); }
TEST(fault_test, an_error_of_any_sync_of_a_directory_loses_nothing) {
  run_with_all_faults("sync_dir");
}

TEST(fault_test, what_could_not_be_read_is_not_taken_for_the_end) {
  run_with_all_faults("read", most_calls);
}
TEST(fault_test, a_file_whose_size_is_unknown_is_not_taken_for_empty) {
  run_with_all_faults("size", 400);
}
TEST(fault_test, a_directory_that_could_not_be_listed_is_not_taken_for_empty) {
  run_with_all_faults("list", 100);
}
TEST(fault_test, a_file_that_could_not_be_opened_is_not_taken_for_missing) {
  run_with_all_faults("open_existing");
}

// Scenario 70. Segments are of 8 KiB here, so this is every 64 KiB of a disk 128 times as large.
TEST(fault_test, a_disk_that_is_full_at_any_size_loses_nothing) {
  trace_nothing();
  bool was_full = true;
  uint64_t sizes = 0;
  for (uint64_t size = 512; was_full && !testing::Test::HasFailure(); size += 512, ++sizes) {
    SCOPED_TRACE("a disk of " + std::to_string(size) + " bytes");
    scripted machine(1 + sizes % scripts);
    machine.files().set_capacity(size);
    absl::Status stopped = machine.open();
    if (stopped.ok()) stopped = machine.run(300);
    was_full = !stopped.ok();
    if (was_full) {
      EXPECT_TRUE(absl::IsResourceExhausted(stopped)) << stopped;
    }
    machine.files().set_capacity(std::numeric_limits<uint64_t>::max());
    expect_nothing_lost(machine, size);
  }
  EXPECT_GT(sizes, 40u);
}

}  // namespace
}  // namespace troupe::storage
