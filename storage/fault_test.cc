// An error of the file system at every single call of a script, and a disk that is full at every
// size: nothing is acknowledged that is not there, neither after a restart nor after a power cut.
//
// A failure prints the call, its number and the script; TROUPE_FAULT=<call>:<number> runs that one.
#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>

#include "storage/scripted.h"

namespace troupe::storage {
namespace {

constexpr int script_length = 4000;
constexpr uint64_t most_calls = 2000;  // of each kind
constexpr uint64_t scripts = 5;

// Opens it again, twice with a little work between: after a restart, and after a power cut.
void expect_nothing_lost(scripted& node, memory_env& files, uint64_t remains) {
  for (int again = 0; again < 2; ++again) {
    const auto reopened = node.open();
    ASSERT_TRUE(reopened.ok()) << reopened;
    ASSERT_EQ(node.judge(), "");
    const auto more = node.run(6);
    ASSERT_TRUE(more.ok()) << more;
    files.crash(remains + again);
  }
}

// False when the script has no such call.
bool run_with_fault(const std::string& kind, uint64_t number) {
  SCOPED_TRACE("replay with TROUPE_FAULT=" + kind + ":" + std::to_string(number));
  memory_env files;
  crash_oracle oracle;
  scripted node(files, oracle, 1 + number % scripts);
  uint64_t calls = 0;
  std::string where;
  files.set_fault([&](std::string_view call, const std::string& path) {
    if (call != kind || ++calls != number) return absl::OkStatus();
    where = path;
    return absl::UnavailableError(path + ": input/output error");
  });
  absl::Status stopped = node.open();
  if (stopped.ok()) stopped = node.run(script_length);
  if (where.empty()) return false;
  EXPECT_FALSE(stopped.ok()) << "nobody heard of it";
  EXPECT_NE(stopped.message().find(where), absl::string_view::npos) << stopped;
  files.set_fault(nullptr);
  expect_nothing_lost(node, files, number);
  return true;
}

void run_with_all_faults(const std::string& kind, uint64_t least = 4) {
  if (const char* replay = std::getenv("TROUPE_FAULT")) {
    const std::string which = replay;
    const auto colon = which.find(':');
    if (which.substr(0, colon) == kind) run_with_fault(kind, std::stoull(which.substr(colon + 1)));
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

// Scenario 70. Segments are of 8 KiB here, so this is every 64 KiB of a disk 128 times as large.
TEST(fault_test, a_disk_that_is_full_at_any_size_loses_nothing) {
  bool was_full = true;
  uint64_t sizes = 0;
  for (uint64_t size = 512; was_full && !testing::Test::HasFailure(); size += 512, ++sizes) {
    SCOPED_TRACE("a disk of " + std::to_string(size) + " bytes");
    memory_env files;
    crash_oracle oracle;
    scripted node(files, oracle, 1 + sizes % scripts);
    files.set_capacity(size);
    absl::Status stopped = node.open();
    if (stopped.ok()) stopped = node.run(300);
    was_full = !stopped.ok();
    if (was_full) {
      EXPECT_TRUE(absl::IsResourceExhausted(stopped)) << stopped;
    }
    files.set_capacity(std::numeric_limits<uint64_t>::max());
    expect_nothing_lost(node, files, size);
  }
  EXPECT_GT(sizes, 40u);
}

}  // namespace
}  // namespace troupe::storage
