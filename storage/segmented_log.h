// The log of a node as a row of segment files in one directory.
//
// Invariants, at every crash point: the segments' numbers are consecutive; each continues the one
// before it; every segment but the newest is durable as a whole. So segments are made durable
// before they are used, sealed before the next is made, and removed only from the ends, one at a
// time.
//
// In memory: 24 bytes for each 64 KiB of the log, the leader runs, and the newest batches up to a
// bound. One thread. After an error of a writing function only reading is allowed; durable_storage
// sees to it.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "storage/env.h"
#include "storage/identity.h"
#include "storage/leader_runs.h"
#include "storage/recent_batches.h"
#include "storage/segment.h"

namespace troupe::storage {

struct log_options {
  segment_options segments;
  // Bound on the newest batches that are kept in memory.
  byte_count cache = MiB(16);
};

class segmented_log {
 public:
  // Starts an empty log in `dir`, which exists and has no segment. Durable when it returns.
  // `files` must outlive the log.
  static absl::StatusOr<std::unique_ptr<segmented_log>> create(env& files, const std::string& dir,
                                                               const identity& owner,
                                                               const log_options& options);
  // Finds the log again, which was durable up to `durable` at least (log_recovery.h says what is
  // repaired, and the errors).
  static absl::StatusOr<std::unique_ptr<segmented_log>> open(env& files, const std::string& dir,
                                                             const identity& owner,
                                                             const log_options& options,
                                                             const log_id& durable);

  const log_tail& tail() const { return tail_; }
  // After opening this is the start of the oldest segment: a purge that ended inside it is
  // forgotten.
  const log_tail& purged() const { return purged_; }
  std::vector<leader_run> runs() const { return runs_.all(); }
  // The checksum of the batch that began it; 0 where it has none, or that was purged before
  // opening.
  uint64_t began_with() const { return began_with_; }
  // Whether the log may be truncated to `last`: it is purged().last or the end of a batch after it.
  absl::StatusOr<bool> may_end_at(log_index last);

  // Precondition: check_follows(tail(), batches).
  absl::Status append(std::span<const batch_ptr> batches);
  absl::Status sync();
  // Durable when it returns; a crash meanwhile leaves a log that ends anywhere between.
  // Precondition: may_end_at(last).
  absl::Status truncate_after(log_index last);
  // Removes the segments that hold nothing else.
  absl::Status purge(log_index last);
  // As log_storage::reset.
  absl::Status reset(const log_tail& to);
  // As in log_storage: room for the next segment is allocated already.
  bool has_room() const { return reserved_; }
  absl::Status make_room();
  // As log_storage::read.
  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most);
  // As log_storage::scrub, but for the mending.
  absl::StatusOr<bool> scrub(byte_count most);

 private:
  segmented_log(env& files, std::string dir, const identity& owner, const log_options& options);

  void remember(const batch_ptr& b);
  segment& segment_of(log_index index);
  absl::Status roll();
  absl::Status add_segment(const segment_header& header);
  // Makes what was removed before durable, then removes another.
  absl::Status remove_in_order(const std::string& path);

  segment& newest() { return *segments_.back(); }

  env& files_;
  const std::string dir_;
  const identity owner_;
  const log_options options_;
  std::deque<std::unique_ptr<segment>> segments_;  // oldest first, never empty
  leader_runs runs_;
  recent_batches recent_;
  log_tail tail_;
  log_tail purged_;
  uint64_t began_with_ = 0;
  log_index scrub_from_;          // the first entry that is checked next; 0: the first there is
  bool reserved_ = false;         // the file `reserve` is there, as large as a segment
  bool removal_pending_ = false;  // a file was removed and the directory not synced since
};

}  // namespace troupe::storage
