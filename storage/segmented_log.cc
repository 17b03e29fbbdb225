#include "storage/segmented_log.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "proto/check.h"
#include "proto/trace.h"
#include "storage/files.h"
#include "storage/log_recovery.h"
#include "storage/try.h"

namespace troupe::storage {

segmented_log::segmented_log(env& files, std::string dir, const identity& owner,
                             const log_options& options)
    : files_(files),
      dir_(std::move(dir)),
      owner_(owner),
      options_(options),
      recent_(options.cache) {}

absl::StatusOr<std::unique_ptr<segmented_log>> segmented_log::create(env& files,
                                                                     const std::string& dir,
                                                                     const identity& owner,
                                                                     const log_options& options) {
  auto log = std::unique_ptr<segmented_log>(new segmented_log(files, dir, owner, options));
  segment_header header;
  header.sequence = 1;
  TROUPE_TRY(log->add_segment(header));
  TROUPE_TRY(log->make_room());
  return log;
}

absl::StatusOr<std::unique_ptr<segmented_log>> segmented_log::open(env& files,
                                                                   const std::string& dir,
                                                                   const identity& owner,
                                                                   const log_options& options,
                                                                   const log_id& durable) {
  auto log = std::unique_ptr<segmented_log>(new segmented_log(files, dir, owner, options));
  uint64_t batches = 0;
  const auto remember = [&](const batch_ptr& b) { ++batches, log->remember(b); };
  TROUPE_TRY_LET(log->segments_,
                 recover_segments(files, dir, owner, options.segments, durable, remember));
  log->purged_ = log->segments_.front()->header().previous;
  log->tail_ = log->newest().tail();
  TROUPE_TRY(log->make_room());
  TROUPE_EVENT(info) << "recovered " << batches << " batches in " << log->segments_.size()
                     << " segments from " << dir << ": entries after " << log->purged_.last.index
                     << " up to " << log->tail_.last;
  return log;
}

// -- where things are -----------------------------------------------------------------------------

void segmented_log::remember(const batch_ptr& b) {
  runs_.add(b->first_index(), b->leader());
  recent_.add(b);
  if (b->first_index() == log_index(1)) began_with_ = b->checksum();
}

segment& segmented_log::segment_of(log_index index) {
  TROUPE_CHECK(index > purged_.last.index && index <= tail_.last.index, "the entry is in the log");
  return **std::prev(std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const auto& s) { return s->first() <= index; }));
}

absl::StatusOr<bool> segmented_log::may_end_at(log_index last) {
  if (last == purged_.last.index || last == tail_.last.index) return true;
  if (last < purged_.last.index || last > tail_.last.index) return false;
  TROUPE_TRY_LET(const auto found, segment_of(last).find(last));
  return found->last_index() == last;
}

// -- the end of the log ---------------------------------------------------------------------------

absl::Status segmented_log::append(std::span<const batch_ptr> batches) {
  while (!batches.empty()) {
    size_t count = newest().room_for(batches);
    if (count == 0) {
      TROUPE_TRY(roll());
      count = newest().room_for(batches);
    }
    TROUPE_TRY(newest().append(batches.first(count)));
    for (const auto& b : batches.first(count)) remember(b);
    tail_ = newest().tail();
    batches = batches.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status segmented_log::sync() { return newest().sync(); }

absl::Status segmented_log::roll() {
  TROUPE_TRY(newest().seal());
  segment_header header;
  header.sequence = newest().header().sequence + 1;
  header.previous = tail_;
  TROUPE_TRY(add_segment(header));
  return make_room();
}

// What is left of an older one may have become a segment in the disk's eyes, and not in its name's.
absl::Status segmented_log::make_room() {
  if (reserved_) return absl::OkStatus();
  const std::string path = dir_ + "/" + std::string(reserve_name);
  TROUPE_TRY(remove_if_there(files_, path));
  auto made = files_.open(path, open_mode::create);
  auto status = made.ok() ? (*made)->allocate(options_.segments.room()) : made.status();
  reserved_ = status.ok();
  if (!absl::IsResourceExhausted(status)) return status;
  return made.ok() ? files_.remove(path) : absl::OkStatus();
}

absl::Status segmented_log::add_segment(const segment_header& header) {
  segment_header own = header;
  own.node = owner_.node;
  own.incarnation = owner_.incarnation;
  const auto from = std::exchange(reserved_, false) ? reserve_name : std::string_view();
  TROUPE_TRY_LET(auto made, segment::create(files_, dir_, own, options_.segments, from));
  TROUPE_EVENT(debug) << "started segment " << made->path() << " after entry " << own.previous.last;
  segments_.push_back(std::move(made));
  removal_pending_ = false;  // creating synced the directory
  return absl::OkStatus();
}

absl::Status segmented_log::truncate_after(log_index last) {
  if (last == tail_.last.index) return absl::OkStatus();
  TROUPE_EVENT(info) << "truncating the log " << dir_ << " from " << tail_.last << " to " << last;
  recent_.clear();
  // From the back: whatever a crash leaves is a log without a hole.
  while (newest().first() > last.next()) {
    const std::string path = newest().path();
    segments_.pop_back();
    tail_ = newest().tail();
    TROUPE_TRY(remove_in_order(path));
  }
  if (removal_pending_) TROUPE_TRY(files_.sync_dir(dir_));
  removal_pending_ = false;
  TROUPE_TRY(newest().cut(last));
  tail_ = newest().tail();
  runs_.truncate_after(last);
  return absl::OkStatus();
}

absl::Status segmented_log::remove_in_order(const std::string& path) {
  if (removal_pending_) TROUPE_TRY(files_.sync_dir(dir_));
  removal_pending_ = true;
  return files_.remove(path);
}

// -- the start of the log -------------------------------------------------------------------------

absl::Status segmented_log::purge(log_index last) {
  if (last <= purged_.last.index) return absl::OkStatus();
  if (last >= tail_.last.index) {
    purged_ = tail_;
    runs_.clear();
  } else {
    // The batch that holds the first entry to stay begins where the purge ends.
    TROUPE_TRY_LET(const auto stays, segment_of(last.next()).find(last.next()));
    const log_index end = stays->first_index() - 1;
    if (end <= purged_.last.index) return absl::OkStatus();
    TROUPE_TRY_LET(const auto gone, segment_of(end).find(end));
    purged_ = gone->tail();
  }
  runs_.purge(purged_.last.index);
  while (segments_.size() > 1 && segments_[1]->first() <= purged_.last.index.next()) {
    const std::string path = segments_.front()->path();
    segments_.pop_front();
    TROUPE_EVENT(debug) << "removing purged segment " << path;
    TROUPE_TRY(remove_in_order(path));
  }
  return absl::OkStatus();
}

absl::Status segmented_log::reset(const log_tail& to) {
  TROUPE_EVENT(info) << "the log " << dir_ << " starts again after " << to.last;
  segment_header header;
  header.sequence = newest().header().sequence + 1;
  header.previous = to;
  header.starts_log = true;
  TROUPE_TRY(add_segment(header));
  // A segment that holds nothing and rots would be taken for one that was never finished, and what
  // is left of the old log for the log.
  TROUPE_TRY(newest().confirm());
  // Void from here on, so a crash may bring back any of them.
  removal_pending_ = true;
  while (segments_.size() > 1) {
    const std::string path = segments_.front()->path();
    segments_.pop_front();
    TROUPE_TRY(files_.remove(path));
  }
  runs_.clear();
  recent_.clear();
  tail_ = purged_ = to;
  return make_room();
}

// -- reading --------------------------------------------------------------------------------------

absl::StatusOr<std::vector<batch_ptr>> segmented_log::read(log_index from, byte_count most) {
  if (from <= purged_.last.index || from > tail_.last.index)
    return absl::OutOfRangeError(absl::StrCat("entry ", from.value, " is not in the log: it holds ",
                                              purged_.last.index.next().value, " to ",
                                              tail_.last.index.value));
  std::vector<batch_ptr> found;
  uint64_t taken = 0;
  while (from <= tail_.last.index && from < recent_.first()) {
    const size_t before = found.size();
    TROUPE_TRY(segment_of(from).read(from, recent_.first(), most, &found));
    if (found.size() == before) return found;
    from = found.back()->last_index().next();
  }
  for (const auto& b : found) taken += b->bytes().size();
  if (from > tail_.last.index) return found;
  for (auto next = recent_.find(from); next != recent_.end(); ++next) {
    taken += (*next)->bytes().size();
    if (!found.empty() && taken > most.value) break;
    found.push_back(*next);
  }
  return found;
}

// -- scrubbing ------------------------------------------------------------------------------------

absl::StatusOr<bool> segmented_log::scrub(byte_count most) {
  scrub_from_ = std::max(scrub_from_, purged_.last.index.next());
  if (scrub_from_ > tail_.last.index) {
    scrub_from_ = log_index(0);
    return true;
  }
  TROUPE_TRY_LET(scrub_from_, segment_of(scrub_from_).check(scrub_from_, most));
  return false;
}

}  // namespace troupe::storage
