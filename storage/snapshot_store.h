// The snapshots of a node: a directory in which the newest one is, and what becomes one.
//
//   <dir>/<index>-<term>-<node>.snapshot   named by its last entry
//   <dir>/<name>.part                      is being built or received; it counts for nothing
//
// A snapshot gets its name when all of it is durable, so a crash at any point leaves the old one or
// the new one; older ones are removed behind it.
//
// One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/snapshot_file.h"

namespace troupe::storage {

// One that is complete.
struct stored_snapshot {
  snapshot_meta meta;
  std::string path;
  uint64_t size = 0;  // of the file
};

class snapshot_store {
 public:
  // Creates the directory when it is missing, removes what was not finished and what is older than
  // the newest. Only headers are read. kDataLoss where that of the newest is damaged. `files` must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<snapshot_store>> open(env& files, const std::string& dir);

  const std::optional<stored_snapshot>& newest() const { return newest_; }
  absl::StatusOr<std::unique_ptr<snapshot_reader>> read() const;

  // Begins another one, that nobody sees before it is kept. What was begun before is forgotten.
  absl::StatusOr<std::unique_ptr<snapshot_writer>> begin(const snapshot_meta& meta);
  // The one that was begun is finished: it takes the place of the newest. Durable when it returns.
  absl::Status keep();
  // It will never be finished.
  absl::Status give_up();

 private:
  snapshot_store(env& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  std::string part_of(const snapshot_meta& meta) const;
  absl::Status tidy_up();

  env& files_;
  const std::string dir_;
  std::optional<stored_snapshot> newest_;
  std::optional<snapshot_meta> begun_;
};

}  // namespace troupe::storage
