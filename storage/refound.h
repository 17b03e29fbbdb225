// A data directory that begins a cluster of its own with the commands of another one's log, and the
// snapshot before them where that was purged: for what is left of a cluster that lost its quorum
// for good. Or with a snapshot alone, which is a backup.
//
// It is built beside the old one, and then takes its name:
//
//   <dir>.recovering       built here; has RECOVERED.new from its first moment
//   <dir>                  the two exchange their names, at once
//   <dir>.before-recovery  the old one is put aside under this name, and stays
//   <dir>/RECOVERED        in words, what was done; the last step gives it this name
//
// Whatever interrupts it leaves under <dir> all of the old directory or all of the new one, and no
// step removes anything of the old one.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/durable_storage.h"

namespace troupe::storage {

// What the new log has that is not in the old one.
struct refounding {
  uint64_t incarnation = 0;  // of the new directory, a random number
  batch_ptr first;           // entry 1 of the new log: a membership
  leader_id leader;          // of all that follows, above all in the old log; its vote is saved
  std::string record;        // what RECOVERED says
};

inline constexpr char recovered_file[] = "RECOVERED";
std::string put_aside(const std::string& dir);

// Whether `dir` is a new directory whose last steps are missing. It is complete for its node.
absl::StatusOr<bool> refounding_interrupted(env& files, const std::string& dir);
// Carries these steps out. Whoever calls it keeps the directory locked.
absl::Status finish_refounding(env& files, const std::string& dir);

// Builds the directory and exchanges the two. `old` is what `dir` holds, and keeps it locked. After
// an error all is as it was, unless refounding_interrupted().
//
// kFailedPrecondition when an older directory is put aside there already, when <dir>.recovering is
// none that this function left, or when the beginning of the log was purged and no snapshot has it;
// kDataLoss when that is damaged; kUnimplemented when the file system can exchange no names;
// otherwise the file system's error.
absl::Status refound(env& files, durable_storage& old, const std::string& dir,
                     const refounding& how, const log_options& log = {});

// The same for `node` with the snapshot in `file`, in a directory that is not there yet.
// kFailedPrecondition when it is.
absl::Status found_with_backup(env& files, const std::string& file, const std::string& dir,
                               node_id node, const refounding& how);

}  // namespace troupe::storage
