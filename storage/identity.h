// Whose data directory this is. Written last when a directory is set up, so that its presence means
// that vote and log are complete; never written again.
#pragma once

#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/ids.h"
#include "storage/env.h"

namespace troupe::storage {

struct identity {
  node_id node;
  // A random number, drawn when the directory was set up. Files that were copied from another
  // directory are recognised by it, and it keeps clients from forging marks (segment_format.h).
  uint64_t incarnation = 0;

  bool operator==(const identity&) const = default;
};

inline constexpr char identity_file[] = "identity";
// The same file while the directory is being set up.
inline constexpr char unfinished_identity_file[] = "identity.new";

// Nothing when there is none. kDataLoss when it is damaged, kUnimplemented when a newer Troupe
// wrote the directory.
absl::StatusOr<std::optional<identity>> read_identity(env& files, const std::string& dir);

// Setting up a directory is: begin, make everything else durable, finish. Each step is durable when
// it returns. A directory that has only the unfinished file may be set up again from the beginning.
absl::Status begin_identity(env& files, const std::string& dir, const identity& id);
absl::Status finish_identity(env& files, const std::string& dir);

}  // namespace troupe::storage
