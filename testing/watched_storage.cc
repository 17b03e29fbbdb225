#include "testing/watched_storage.h"

namespace troupe::sim {

namespace {

absl::StatusOr<batches> read_after(log_index at, storage::log_storage& from) {
  batches log;
  while (at < from.tail().last.index) {
    auto slice = from.read(at.next(), MiB(1));
    if (!slice.ok()) return slice.status();
    log.insert(log.end(), slice->begin(), slice->end());
    at = log.back()->last_index();
  }
  return log;
}

}  // namespace

absl::StatusOr<std::shared_ptr<watched_storage>> watched_storage::open(
    std::unique_ptr<storage::log_storage> watched, node_id node, judge& observer) {
  auto log = read_after(watched->purged().last.index, *watched);
  if (!log.ok()) return log.status();
  const auto lost = watched->lost();
  observer.on_reopened(node, watched->incarnation(), watched->saved_vote(), *std::move(log),
                       lost ? lost->last : log_id{}, watched->purged());
  return std::shared_ptr<watched_storage>(new watched_storage(std::move(watched), node, observer));
}

absl::Status watched_storage::present() const {
  return detached_ ? absl::AbortedError("its process has ended") : absl::OkStatus();
}

// Where it fails, what is there is told when the storage is opened again.
absl::StatusOr<std::optional<storage::missing_batches>> watched_storage::restore() {
  if (auto s = present(); !s.ok()) return s;
  const auto before = tail().last.index;
  auto missing = watched_->restore();
  if (!missing.ok() || tail().last.index == before) return missing;
  const auto put_back = read_after(before, *watched_);
  if (!put_back.ok()) return put_back.status();
  for (const auto& b : *put_back) observer_.on_appended(node_, b);
  observer_.on_synced(node_);
  return missing;
}

absl::Status watched_storage::keep_aside(std::span<const batch_ptr> batches) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->keep_aside(batches);
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
  if (auto s = watched_->purge(last); !s.ok()) return s;
  observer_.on_purged(node_, watched_->purged());
  return absl::OkStatus();
}

absl::Status watched_storage::reset(const log_tail& to) {
  if (auto s = present(); !s.ok()) return s;
  if (auto s = watched_->reset(to); !s.ok()) return s;
  observer_.on_reset(node_, to);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<batch_ptr>> watched_storage::read(log_index from, byte_count most) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->read(from, most);
}

absl::StatusOr<std::vector<batch_ptr>> watched_storage::find(const storage::missing_batches& wanted,
                                                             byte_count most) {
  if (auto s = present(); !s.ok()) return s;
  return watched_->find(wanted, most);
}

}  // namespace troupe::sim
