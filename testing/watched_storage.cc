#include "testing/watched_storage.h"

namespace troupe::sim {

absl::StatusOr<std::shared_ptr<watched_storage>> watched_storage::open(
    std::unique_ptr<storage::log_storage> watched, node_id node, judge& observer) {
  batches log;
  const auto last = watched->tail().last.index;
  for (auto at = watched->purged().last.index.next(); at <= last;) {
    auto slice = watched->read(at, MiB(1));
    if (!slice.ok()) return slice.status();
    at = slice->back()->last_index().next();
    log.insert(log.end(), slice->begin(), slice->end());
  }
  const auto lost = watched->lost();
  observer.on_reopened(node, watched->incarnation(), watched->saved_vote(), std::move(log),
                       lost ? lost->last : log_id{});
  return std::shared_ptr<watched_storage>(new watched_storage(std::move(watched), node, observer));
}

absl::Status watched_storage::present() const {
  return detached_ ? absl::AbortedError("its process has ended") : absl::OkStatus();
}

absl::Status watched_storage::save_vote(const vote& v) {
  if (auto s = present(); !s.ok()) return s;
  auto saved = watched_->save_vote(v);
  if (saved.ok())
    observer_.on_vote_saved(node_, v);
  else
    observer_.on_vote_in_doubt(node_, v);
  return saved;
}

absl::Status watched_storage::append(std::span<const batch_ptr> batches) {
  if (auto s = present(); !s.ok()) return s;
  if (auto s = watched_->append(batches); !s.ok()) return s;
  for (const auto& b : batches) observer_.on_appended(node_, b);
  return absl::OkStatus();
}

absl::Status watched_storage::sync() {
  if (auto s = present(); !s.ok()) return s;
  if (auto s = watched_->sync(); !s.ok()) return s;
  observer_.on_synced(node_);
  return absl::OkStatus();
}

absl::Status watched_storage::truncate_after(log_index last) {
  if (auto s = present(); !s.ok()) return s;
  // Even where it fails, something may be gone.
  observer_.on_truncated(node_, last);
  return watched_->truncate_after(last);
}

absl::Status watched_storage::purge(log_index last) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->purge(last);
}

absl::Status watched_storage::reset(const log_tail& to) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->reset(to);
}

absl::StatusOr<std::vector<batch_ptr>> watched_storage::read(log_index from, byte_count most) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->read(from, most);
}

}  // namespace troupe::sim
