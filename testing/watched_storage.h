// A node's real storage engine, watched: whatever it did is told to the judge. After detach(),
// which is the end of its process, it does nothing and tells nothing.
#pragma once

#include <memory>

#include "storage/log_storage.h"
#include "testing/judge.h"

namespace troupe::sim {

class watched_storage final : public storage::log_storage {
 public:
  // Reads the whole log and tells what was found. An error when it cannot be read.
  static absl::StatusOr<std::shared_ptr<watched_storage>> open(
      std::unique_ptr<storage::log_storage> watched, node_id node, judge& observer);

  void detach() { detached_ = true; }

  uint64_t incarnation() const override { return watched_->incarnation(); }
  vote saved_vote() const override { return watched_->saved_vote(); }
  bool joined() const override { return watched_->joined(); }
  std::optional<storage::lost_entries> lost() const override { return watched_->lost(); }
  absl::StatusOr<std::optional<storage::missing_batches>> restore() override;
  absl::Status keep_aside(std::span<const batch_ptr> batches) override;
  log_tail tail() const override { return watched_->tail(); }
  log_tail purged() const override { return watched_->purged(); }
  uint64_t first() const override { return watched_->first(); }
  void came_behind(uint64_t first) override { watched_->came_behind(first); }
  std::vector<leader_run> runs() const override { return watched_->runs(); }

  absl::Status save_vote(const vote& v) override;
  absl::Status append(std::span<const batch_ptr> batches) override;
  absl::Status sync() override;
  absl::Status truncate_after(log_index last) override;
  absl::Status purge(log_index last) override;
  absl::Status reset(const log_tail& to) override;
  bool has_room() const override { return watched_->has_room(); }
  absl::Status make_room() override { return watched_->make_room(); }
  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) override;
  absl::StatusOr<std::vector<batch_ptr>> find(const storage::missing_batches& wanted,
                                              byte_count most) override;

 private:
  watched_storage(std::unique_ptr<storage::log_storage> watched, node_id node, judge& observer)
      : watched_(std::move(watched)), node_(node), observer_(observer) {}
  absl::Status present() const;

  std::unique_ptr<storage::log_storage> watched_;
  node_id node_;
  judge& observer_;
  bool detached_ = false;
};

}  // namespace troupe::sim
