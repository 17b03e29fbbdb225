// One node's storage under a script of random calls, on a machine of its own, with a crash_oracle
// that knows what it may hold. For tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/crash_oracle.h"
#include "storage/durable_storage.h"
#include "storage/memory_env.h"

namespace troupe::storage {

class numbers {
 public:
  explicit numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t below(uint64_t n) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return (state_ >> 33) % n;
  }

 private:
  uint64_t state_;
};

class scripted {
 public:
  // The same script makes the same calls.
  explicit scripted(uint64_t script) : random_(script) {}
  // The machine at this moment, which may be within a call: its disk and what the oracle knows. No
  // process runs on the copy, and what its script does next is up to the script.
  scripted(const scripted& from);

  memory_env& files() { return files_; }
  const crash_oracle& oracle() const { return oracle_; }
  // Of segments so small that the script rolls them all the time.
  static durable_options options();

  // Starts the process, or ends it and starts it again.
  absl::Status open();
  // Precondition: it was opened.
  durable_storage& storage() { return *storage_; }
  // Random calls. Both stop at the first error.
  absl::Status run(int steps);
  absl::Status run_until_written(int writes);
  // What the script is doing: the name of the step.
  std::string_view doing() const { return doing_; }
  // As crash_oracle::judge.
  std::string judge() { return oracle_.judge(*storage_); }

 private:
  absl::Status step();
  absl::Status append();
  absl::Status sync();
  absl::Status truncate();
  absl::Status purge();
  absl::Status save_vote();
  absl::Status reset();
  absl::Status read();
  absl::Status durable(absl::Status returned);

  memory_env files_;
  crash_oracle oracle_;
  numbers random_;
  uint64_t term_ = 1;
  int writes_ = 0;  // entries and votes, not counting what makes them durable or takes them away
  std::string_view doing_;
  std::unique_ptr<durable_storage> storage_;
};

}  // namespace troupe::storage
