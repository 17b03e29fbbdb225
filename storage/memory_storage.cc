#include "storage/memory_storage.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "storage/append_check.h"
#include "storage/try.h"

namespace troupe::storage {

absl::Status memory_storage::save_vote(const vote& v) {
  vote_ = v;
  if (!tail_.last) joined_ = true;
  return absl::OkStatus();
}

absl::Status memory_storage::append(std::span<const batch_ptr> batches) {
  TROUPE_TRY(check_follows(tail_, batches));
  for (const auto& b : batches) {
    runs_.add(b->first_index(), b->leader());
    batches_.push_back(b);
  }
  if (!batches.empty()) tail_ = batches.back()->tail();
  return absl::OkStatus();
}

absl::Status memory_storage::truncate_after(log_index last) {
  // First the check, then the change: a refused truncation leaves all as it was.
  const auto keep = std::partition_point(batches_.begin(), batches_.end(), [&](const batch_ptr& b) {
    return b->first_index() <= last;
  });
  const log_tail end = keep == batches_.begin() ? purged_ : (*std::prev(keep))->tail();
  if (end.last.index != last)
    return absl::InvalidArgumentError(
        absl::StrCat("truncate after ", last.value, ": not the end of a batch in the log"));
  batches_.erase(keep, batches_.end());
  runs_.truncate_after(last);
  tail_ = end;
  return absl::OkStatus();
}

absl::Status memory_storage::purge(log_index last) {
  while (!batches_.empty() && batches_.front()->last_index() <= last) {
    purged_ = batches_.front()->tail();
    batches_.pop_front();
  }
  runs_.purge(purged_.last.index);
  if (batches_.empty()) runs_.clear();
  return absl::OkStatus();
}

absl::Status memory_storage::reset(const log_tail& to) {
  batches_.clear();
  runs_.clear();
  tail_ = purged_ = to;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<batch_ptr>> memory_storage::read(log_index from, byte_count most) {
  if (from <= purged_.last.index || from > tail_.last.index)
    return absl::OutOfRangeError(absl::StrCat("entry ", from.value, " is not in the log: it holds ",
                                              purged_.last.index.next().value, " to ",
                                              tail_.last.index.value));
  auto next = std::partition_point(batches_.begin(), batches_.end(),
                                   [&](const batch_ptr& b) { return b->last_index() < from; });
  std::vector<batch_ptr> found;
  for (byte_count taken; next != batches_.end(); ++next) {
    taken += (*next)->size().value;
    if (!found.empty() && taken > most) break;
    found.push_back(*next);
  }
  return found;
}

}  // namespace troupe::storage
