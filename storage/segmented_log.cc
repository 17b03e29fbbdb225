#include "storage/segmented_log.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "proto/check.h"
#include "proto/trace.h"
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
                                                                   const log_options& options) {
  auto log = std::unique_ptr<segmented_log>(new segmented_log(files, dir, owner, options));
  uint64_t batches = 0;
  const auto remember = [&](const batch_ptr& b) {
    ++batches;
    log->runs_.add(b->first_index(), b->leader());
    log->recent_.add(b);
  };
  TROUPE_TRY_LET(log->segments_, recover_segments(files, dir, owner, options.segments, remember));
  log->purged_ = log->segments_.front()->header().previous;
  log->tail_ = log->newest().tail();
  TROUPE_TRY(log->make_room());
  TROUPE_EVENT(info) << "recovered " << batches << " batches in " << log->segments_.size()
                     << " segments from " << dir << ": entries after " << log->purged_.last.index
                     << " up to " << log->tail_.last;
  return log;
}

// -- where things are -----------------------------------------------------------------------------

segmented_log::position segmented_log::find(log_index index) const {
  TROUPE_CHECK(index > purged_.last.index && index <= tail_.last.index, "the entry is in the log");
  const auto segment = std::prev(std::partition_point(
      segments_.begin(), segments_.end(), [&](const auto& s) { return s->first() <= index; }));
  const auto places = (*segment)->places();
  const auto place = std::prev(std::partition_point(
      places.begin(), places.end(), [&](const batch_place& p) { return p.first <= index; }));
  return {static_cast<size_t>(segment - segments_.begin()),
          static_cast<size_t>(place - places.begin())};
}

log_index segmented_log::last_index(position at) const {
  const auto& in = *segments_[at.segment];
  return at.place + 1 < in.places().size() ? in.places()[at.place + 1].first - 1
                                           : in.tail().last.index;
}

log_tail segmented_log::tail_of(position at) const {
  const log_index last = last_index(at);
  return {{runs_.leader_at(last), last}, segments_[at.segment]->places()[at.place].checksum};
}

bool segmented_log::may_end_at(log_index last) const {
  if (last == purged_.last.index || last == tail_.last.index) return true;
  return last > purged_.last.index && last < tail_.last.index && last_index(find(last)) == last;
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
    for (const auto& b : batches.first(count)) {
      runs_.add(b->first_index(), b->leader());
      recent_.add(b);
    }
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
  if (auto gone = files_.remove(path); !gone.ok() && !absl::IsNotFound(gone)) return gone;
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
  TROUPE_CHECK(may_end_at(last), "a log is cut between two batches");
  if (last == tail_.last.index) return absl::OkStatus();
  TROUPE_EVENT(info) << "truncating the log " << dir_ << " from " << tail_.last << " to " << last;
  const bool all = last == purged_.last.index;
  const log_tail end = all ? purged_ : tail_of(find(last));
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
  const auto places = newest().places();
  const auto keep = std::partition_point(places.begin(), places.end(),
                                         [&](const batch_place& p) { return p.first <= last; });
  TROUPE_TRY(newest().cut(static_cast<size_t>(keep - places.begin()), end));
  tail_ = end;
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
    const position stays = find(last.next());
    const log_index first = segments_[stays.segment]->places()[stays.place].first;
    if (first - 1 <= purged_.last.index) return absl::OkStatus();
    purged_ = tail_of(find(first - 1));
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
  byte_count taken;
  while (from <= tail_.last.index && from < recent_.first()) {
    const size_t before = found.size();
    TROUPE_TRY(read_run(find(from), recent_.first(), most, &taken, &found));
    if (found.size() == before) return found;
    from = found.back()->last_index().next();
  }
  if (from > tail_.last.index) return found;
  for (auto next = recent_.find(from); next != recent_.end(); ++next) {
    if (!found.empty() && taken + (*next)->size().value > most) break;
    taken += (*next)->size().value;
    found.push_back(*next);
  }
  return found;
}

// Reads what is in one segment, before `stop` and within `most`, with one call to the file.
absl::Status segmented_log::read_run(position from, log_index stop, byte_count most,
                                     byte_count* taken, std::vector<batch_ptr>* to) {
  auto& in = *segments_[from.segment];
  const auto places = in.places();
  size_t end = from.place;
  while (end < places.size() && places[end].first < stop &&
         ((to->empty() && end == from.place) || *taken + places[end].length <= most))
    *taken += places[end++].length;
  if (end == from.place) return absl::OkStatus();
  TROUPE_TRY_LET(const auto bytes, in.read(from.place, end));
  const uint64_t start = places[from.place].offset;
  for (size_t i = from.place; i < end; ++i) {
    const auto& place = places[i];
    const uint64_t at = place.offset - start;
    auto parsed = at + place.length <= bytes.size()
                      ? batch::parse(bytes.substr(at, place.length))
                      : absl::DataLossError("batch: the file ends before it");
    if (parsed.ok() && (*parsed)->checksum() != place.checksum)
      parsed = absl::DataLossError("batch: it is not the one that was written");
    if (!parsed.ok())
      return absl::DataLossError(absl::StrCat(in.path(), " at offset ", place.offset, ": ",
                                              std::string(parsed.status().message())));
    to->push_back(*std::move(parsed));
  }
  return absl::OkStatus();
}

}  // namespace troupe::storage
