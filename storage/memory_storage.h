// A vote and a log in memory, for tests and benchmarks: appending keeps the shared batch, sync() is
// free, and all is gone with the object. Purge to bound its memory.
//
// Behaves as durable_storage does in all that log_storage.h says; nothing ever fails but a
// precondition.
#pragma once

#include <deque>

#include "storage/leader_runs.h"
#include "storage/log_storage.h"

namespace troupe::storage {

class memory_storage final : public log_storage {
 public:
  explicit memory_storage(uint64_t incarnation = 0) : incarnation_(incarnation) {}

  uint64_t incarnation() const override { return incarnation_; }
  vote saved_vote() const override { return vote_; }
  bool joined() const override { return joined_; }
  log_tail tail() const override { return tail_; }
  log_tail purged() const override { return purged_; }
  std::vector<leader_run> runs() const override { return runs_.all(); }

  absl::Status save_vote(const vote& v) override;
  absl::Status append(std::span<const batch_ptr> batches) override;
  absl::Status sync() override { return absl::OkStatus(); }
  absl::Status truncate_after(log_index last) override;
  absl::Status purge(log_index last) override;
  absl::Status reset(const log_tail& to) override;

  bool has_room() const override { return true; }
  absl::Status make_room() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) override;

 private:
  uint64_t incarnation_;
  vote vote_;
  bool joined_ = false;
  std::deque<batch_ptr> batches_;
  leader_runs runs_;
  log_tail tail_;
  log_tail purged_;
};

}  // namespace troupe::storage
