// Finding the log of a data directory again at the start: which segments count, that they fit
// together, and what a crash left behind.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/identity.h"
#include "storage/segment.h"

namespace troupe::storage {

// The segments of the log in `dir`, oldest first, at least one; only the last may be written. Every
// batch is verified and given to `visit` in order. The log was durable up to `durable` at least.
//
// Repairs what a crash leaves: a newest segment that was never finished is removed, segments that a
// reset made void are removed, a torn tail is cut. All that remains is durable when this returns.
//
// kDataLoss, naming file and offset, when anything else is wrong: a segment is missing, damaged or
// of another node; nothing is changed then. kUnimplemented when a newer Troupe wrote it.
absl::StatusOr<std::deque<std::unique_ptr<segment>>> recover_segments(
    env& files, const std::string& dir, const identity& owner, const segment_options& options,
    const log_id& durable, absl::FunctionRef<void(const batch_ptr&)> visit);

}  // namespace troupe::storage
