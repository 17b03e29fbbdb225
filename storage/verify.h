// An offline look at a data directory.
#pragma once

#include <memory>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/durable_storage.h"

namespace troupe::storage {

// Opens the directory as its node would: every byte that counts is read and checked, what a crash
// left is cleared away, a damaged copy of the vote is mended. Never sets up a new directory.
//
// kNotFound where no node has kept anything; kFailedPrecondition while a node uses it; otherwise as
// durable_storage::open. `files` must outlive the result.
absl::StatusOr<std::unique_ptr<durable_storage>> open_for_verification(env& files,
                                                                       const std::string& dir);

// Gives each intact batch in the segments of the log in `dir` to `visit`, in their order, whatever
// is damaged around them. Changes nothing.
absl::Status visit_intact(env& files, const std::string& dir,
                          absl::FunctionRef<void(const batch_ptr&)> visit);

}  // namespace troupe::storage
