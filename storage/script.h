// A storage under a script of random calls, with a crash_oracle that knows what it may hold. For
// tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/crash_oracle.h"
#include "storage/log_storage.h"

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

// Makes the calls of the script with a given number, one after the other; the same number, the same
// calls. Stops at the first error.
class script {
 public:
  // Opens the storage, or opens it again; the script has let the one before go.
  using opener = std::function<absl::StatusOr<std::shared_ptr<log_storage>>()>;

  // When truncations are durable; the contract asks for no more than after a sync.
  enum class truncation { durable_when_synced, durable_at_once };

  script(opener open, crash_oracle& oracle, uint64_t number,
         truncation truncations = truncation::durable_when_synced);
  // As far as `from`, which may be within a call, but with nothing open.
  script(const script& from, opener open, crash_oracle& oracle);

  // Starts the process, or ends it and starts it again.
  absl::Status open();
  void close() { storage_.reset(); }
  absl::Status run(int steps);
  absl::Status run_until_written(int writes);
  // The name of the step.
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

  const opener open_;
  crash_oracle& oracle_;
  numbers random_;
  const truncation truncations_;
  uint64_t term_ = 1;
  int writes_ = 0;  // entries and votes, not counting what makes them durable or takes them away
  std::string_view doing_;
  std::shared_ptr<log_storage> storage_;
};

}  // namespace troupe::storage
