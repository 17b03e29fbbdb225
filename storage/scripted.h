// One node's storage on files under a script of random calls, on a machine of its own. For tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "storage/crash_oracle.h"
#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/script.h"

namespace troupe::storage {

class scripted {
 public:
  // The same script makes the same calls.
  explicit scripted(uint64_t number)
      : calls_(opener(), oracle_, number, script::truncation::durable_at_once) {}
  // The machine at this moment, which may be within a call: its disk and what the oracle knows. No
  // process runs on the copy, and what its script does next is up to the script.
  scripted(const scripted& from)
      : files_(from.files_), oracle_(from.oracle_), calls_(from.calls_, opener(), oracle_) {}

  memory_env& files() { return files_; }
  const crash_oracle& oracle() const { return oracle_; }
  // Of segments so small that the script rolls them all the time.
  static durable_options options();

  // As script does.
  absl::Status open() { return calls_.open(); }
  absl::Status run(int steps) { return calls_.run(steps); }
  absl::Status run_until_written(int writes) { return calls_.run_until_written(writes); }
  std::string_view doing() const { return calls_.doing(); }
  std::string judge() { return calls_.judge(); }
  // Precondition: it was opened.
  durable_storage& storage() { return *storage_; }

 private:
  script::opener opener();

  memory_env files_;
  crash_oracle oracle_;
  durable_storage* storage_ = nullptr;  // the script's
  script calls_;
};

}  // namespace troupe::storage
