// The rule that every append keeps: batches continue the log without a gap and without a fork.
#pragma once

#include <span>

#include <absl/status/status.h>

#include "proto/batch.h"

namespace troupe::storage {

// kFailedPrecondition, saying which, when a batch does not continue what is before it.
absl::Status check_follows(const log_tail& tail, std::span<const batch_ptr> batches);

}  // namespace troupe::storage
