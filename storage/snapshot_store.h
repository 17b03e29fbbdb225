// The snapshots of a node: a directory in which the newest one is, and what becomes one.
//
//   <dir>/<index>-<term>-<node>.snapshot   named by its last entry
//   <dir>/<name>.part                      is being built or received; it counts for nothing
//   <dir>/<name>.damaged                   was the newest and is damaged; it stays until there is
//                                          another one, for people and for what its header says
//   <dir>/beginning                        a snapshot without state: what the newest one's header
//                                          says, for when that one is damaged or gone
//
// A snapshot gets its name when all of it is durable, so a crash at any point leaves the old one or
// the new one; older ones lose theirs behind it, and their bytes a piece at a time. Who has one
// open reads it to its end all the same.
//
// One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/retired_files.h"
#include "storage/snapshot_file.h"

namespace troupe::storage {

// In a data directory.
inline std::string snapshots_of(const std::string& data_dir) { return data_dir + "/snapshots"; }

// Where the newest one in `dir` ends, damaged or not, by its name alone; empty when there is none.
absl::StatusOr<log_id> newest_by_name(env& files, const std::string& dir);

// One that is complete.
struct stored_snapshot {
  snapshot_meta meta;
  std::string path;
  snapshot_name name;
};

// One that was found to be damaged, and set aside, or that is gone.
struct damaged_snapshot {
  std::string why;                    // with path and offset, where they are known
  std::optional<snapshot_meta> meta;  // where its header or `beginning` can be read
};

// The bytes of one that another node has, as they come.
class snapshot_part {
 public:
  explicit snapshot_part(std::unique_ptr<file> to) : file_(std::move(to)) {}

  absl::Status add(std::string_view bytes);
  // So far.
  uint64_t size() const { return size_; }
  // Durable when it returns, but for its name.
  absl::Status finish() { return file_->sync(); }

 private:
  const std::unique_ptr<file> file_;
  uint64_t size_ = 0;
  uint64_t synced_ = 0;
};

class snapshot_store {
 public:
  // Creates the directory when it is missing, removes what was not finished and what is older than
  // the newest. Only headers are read; one that is damaged is set aside. kUnimplemented for one
  // that a newer Troupe wrote, kFailedPrecondition for one of another cluster, with nothing
  // changed, and errors of the disk. `files` must outlive it.
  static absl::StatusOr<std::unique_ptr<snapshot_store>> open(env& files, const std::string& dir);

  const std::optional<stored_snapshot>& newest() const { return newest_; }
  std::optional<snapshot_meta> newest_meta() const {
    return newest_ ? std::optional(newest_->meta) : std::nullopt;
  }
  absl::StatusOr<std::unique_ptr<snapshot_reader>> read();

  // The newest is damaged: there is none from here on, also after an error. Durable when it
  // returns.
  absl::Status set_aside(const std::string& why);
  // As long as there is no other one since.
  const std::optional<damaged_snapshot>& damaged() const { return damaged_; }

  // Begins another one, that nobody sees before it is kept. What was begun before is forgotten.
  absl::StatusOr<std::unique_ptr<snapshot_writer>> begin(const snapshot_meta& meta);
  // The same for what another node sends.
  absl::StatusOr<std::unique_ptr<snapshot_part>> receive(const snapshot_name& name);
  // The one that was received is all there: is it what it should be? kDataLoss when it is not.
  absl::StatusOr<snapshot_meta> verify(const snapshot_name& name) const;
  // The one that was begun is finished: it takes the place of the newest. Durable when it returns.
  absl::Status keep();
  // It will never be finished.
  absl::Status give_up();

  // What was removed since it was opened: freed by calls to this, or when the store is closed.
  retired_files& removed() { return removed_; }

 private:
  snapshot_store(env& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  std::string path_of(const log_id& last) const;
  std::string part_of(const log_id& last) const;
  absl::Status read_beginning();
  absl::Status write_beginning(const snapshot_meta& meta);
  void copy_header();
  absl::Status look_at(const std::string& path);
  absl::Status rename_aside(const std::string& path);
  absl::Status tidy_up();

  env& files_;
  const std::string dir_;
  std::optional<stored_snapshot> newest_;
  std::optional<damaged_snapshot> damaged_;
  std::optional<snapshot_meta> beginning_;
  std::optional<log_id> begun_;
  std::map<log_id, std::weak_ptr<const void>> readers_;  // of those that have a name
  retired_files removed_;
};

}  // namespace troupe::storage
