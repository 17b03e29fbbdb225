// The durable engine: a vote file and a segmented log in one data directory.
//
//   <dir>/identity              whose directory this is
//   <dir>/vote                  the saved vote
//   <dir>/promise               what damage took from the log, while that is not there again
//   <dir>/log/<number>.segment  the log
//
// FORMAT.md describes every byte, and what happens at every crash point.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/identity.h"
#include "storage/log_storage.h"
#include "storage/salvage.h"
#include "storage/segmented_log.h"
#include "storage/vote_file.h"

namespace troupe::storage {

struct durable_options {
  // Created when it is missing.
  std::string dir;
  // Whose data this is; the directory must be empty or this node's.
  node_id node;
  // A random number. A new directory keeps it for ever, an existing one has its own.
  uint64_t incarnation = 0;
  log_options log;
  // Whether a damaged log is cut where the damage begins (log_repair.h), to be put together again;
  // lost() tells of it until then. Otherwise it is refused.
  bool cut_damage = false;
};

class durable_storage final : public log_storage {
 public:
  // Opens a data directory and repairs what a crash left (log_recovery.h), or sets up a new one.
  // All that the result reports is durable. `files` must outlive it; the directory is locked
  // meanwhile.
  //
  // kFailedPrecondition when the directory is another node's or in use; kDataLoss when something
  // that was durable is damaged or missing; kUnimplemented when a newer Troupe wrote it; the file
  // system's error otherwise. One line that names the path, and nothing
  // that was durable is changed.
  static absl::StatusOr<std::unique_ptr<durable_storage>> open(env& files,
                                                               const durable_options& options);

  const identity& owner() const { return owner_; }
  // What opening found damaged and mended from a copy, with file and offset; empty: nothing.
  const std::string& repaired() const { return vote_->repaired(); }

  uint64_t incarnation() const override { return owner_.incarnation; }
  vote saved_vote() const override { return vote_->saved(); }
  bool joined() const override { return vote_->joined(); }
  std::optional<lost_entries> lost() const override { return lost_; }
  absl::StatusOr<std::optional<missing_batches>> restore() override;
  absl::Status keep_aside(std::span<const batch_ptr> batches) override;
  log_tail tail() const override { return log_->tail(); }
  log_tail purged() const override { return log_->purged(); }
  uint64_t first() const override { return first_; }
  void came_behind(uint64_t first) override { first_ = first_ != 0 ? first_ : first; }
  std::vector<leader_run> runs() const override { return log_->runs(); }

  absl::Status save_vote(const vote& v) override;
  absl::Status append(std::span<const batch_ptr> batches) override;
  absl::Status sync() override;
  absl::Status truncate_after(log_index last) override;
  absl::Status purge(log_index last) override;
  absl::Status reset(const log_tail& to) override;

  absl::StatusOr<bool> scrub(byte_count most) override;

  bool has_room() const override { return log_->has_room(); }
  absl::Status make_room() override;

  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) override;
  absl::StatusOr<std::vector<batch_ptr>> find(const missing_batches& wanted,
                                              byte_count most) override;

 private:
  durable_storage(env& files, std::string dir, std::unique_ptr<dir_lock> lock,
                  const identity& owner);

  static absl::StatusOr<std::unique_ptr<durable_storage>> set_up(env& files,
                                                                 const durable_options& options,
                                                                 std::unique_ptr<dir_lock> lock);
  // The log, which is cut first where it is damaged and that is allowed.
  absl::Status open_log(const durable_options& options);
  absl::Status cut(const log_note& known);
  absl::Status put_back(std::vector<batch_ptr> piece);
  // Once the log is as long again as it was before it was damaged.
  absl::Status forget_promise();
  // Remembers the first failure of the file system: it answers all later writes.
  absl::Status outcome_of(absl::Status write);

  env& files_;
  const std::string dir_;
  const std::unique_ptr<dir_lock> lock_;
  const identity owner_;
  std::unique_ptr<vote_file> vote_;
  std::unique_ptr<segmented_log> log_;
  std::optional<lost_entries> lost_;
  uint64_t first_ = 0;
  salvage salvage_;
  absl::Status failure_;
};

}  // namespace troupe::storage
