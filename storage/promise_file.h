// What a node acknowledged and damage took from its log: until the log is as long again, others
// count on it. Written before anything of a damaged log is cut (log_repair.h).
//
// One small file in the data directory, written under another name, synced and renamed.
#pragma once

#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/identity.h"
#include "storage/log_storage.h"

namespace troupe::storage {

inline constexpr char promise_file_name[] = "promise";

// Nothing where there is none. kDataLoss when it is damaged or comes from another directory,
// kUnimplemented when a newer Troupe wrote it.
absl::StatusOr<std::optional<lost_entries>> read_promise(env& files, const std::string& dir,
                                                         const identity& owner);
// Durable when it returns. Replaces an older one.
absl::Status write_promise(env& files, const std::string& dir, const identity& owner,
                           const lost_entries& lost);
// Durable with the next sync of the directory: a promise that comes back only makes its node wait.
absl::Status remove_promise(env& files, const std::string& dir);

}  // namespace troupe::storage
