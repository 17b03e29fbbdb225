#include "storage/log_repair.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <absl/strings/str_cat.h>

#include "proto/trace.h"
#include "storage/append_check.h"
#include "storage/aside_names.h"
#include "storage/files.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// Where the good part of a log ends.
struct first_damage {
  uint64_t sequence = 0;  // of the segment
  uint64_t offset = 0;    // from there on nothing of it counts; 0: not even its header
  bool first = false;     // there is no segment before it
  absl::Status what;
};

constexpr const char* unfinished_copy = "copy.new";

bool by_last(const log_tail& a, const log_tail& b) { return a.last < b.last; }

// Nothing was ever durable behind the header.
bool holds_nothing(std::string_view segment) {
  return segment.size() <= segment_header::block_size ||
         all_zero(segment.substr(segment_header::block_size));
}

// Null where it is damaged, or there is none.
batch_ptr first_batch(std::string_view segment) {
  return batch_at(segment.substr(segment_header::block_size)).value_or(nullptr);
}

class examination {
 public:
  examination(env& files, const std::string& log_dir, const identity& owner,
              const known_of_log& elsewhere)
      : files_(files), dir_(log_dir), owner_(owner), elsewhere_(elsewhere) {}

  // Reads all segments that count, oldest first.
  absl::Status run() {
    TROUPE_TRY(list());
    for (const uint64_t sequence : sequences_) TROUPE_TRY(look_at(sequence));
    return absl::OkStatus();
  }

  const std::optional<first_damage>& damage() const { return damage_; }
  // The end of the log, as far as it can be read.
  const log_id& last() const { return end_.last; }
  uint64_t began_with() const { return began_with_; }
  const std::vector<uint64_t>& sequences() const { return sequences_; }
  std::string path_of(uint64_t sequence) const { return dir_ + "/" + segment_name(sequence); }

 private:
  // Those from the newest that starts the log on; older ones are void.
  absl::Status list() {
    TROUPE_TRY_LET(const auto names, files_.list(dir_));
    for (const auto& name : names)
      if (const auto sequence = parse_segment_name(name)) sequences_.push_back(*sequence);
    for (size_t i = sequences_.size(); i-- > 0;) {
      TROUPE_TRY_LET(const auto header, header_of(sequences_[i]));
      if (!header || !header->starts_log) continue;
      sequences_.erase(sequences_.begin(), sequences_.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
    if (sequences_.empty()) return absl::DataLossError(absl::StrCat(dir_, ": the log is missing"));
    return absl::OkStatus();
  }

  // Nothing when it is damaged; an error when it is intact and not this log's.
  absl::StatusOr<std::optional<segment_header>> header_of(uint64_t sequence) {
    TROUPE_TRY_LET(auto from, files_.open(path_of(sequence), open_mode::existing));
    TROUPE_TRY_LET(const auto bytes, from->read(0, segment_header::block_size));
    const auto header = decode_header(bytes);
    if (absl::IsUnimplemented(header.status())) return header.status();
    if (!header.ok() || header->sequence != sequence) return std::nullopt;
    if (header->node != owner_.node || header->incarnation != owner_.incarnation)
      return absl::DataLossError(
          absl::StrCat(path_of(sequence), ": comes from another data directory"));
    return *header;
  }

  absl::Status look_at(uint64_t sequence) {
    TROUPE_TRY_LET(const auto header, header_of(sequence));
    TROUPE_TRY_LET(const auto content, read_file(files_, path_of(sequence)));
    segment_header place;
    place.sequence = sequence;
    place.incarnation = owner_.incarnation;
    auto wrong = begins_wrong(sequence, header, sequence == sequences_.front());
    // What stood before a damaged header is known only where the log began with it or goes on
    // behind it. Else it may have said that the log starts there, and the older segments are void.
    // That does not matter where a snapshot tells what the log went on from, for it is joined to
    // that whatever the older ones hold (actors/log_join.h).
    const bool known = header || elsewhere_.covered ||
                       (sequence == sequences_.front() ? sequence == 1 : continues(content, place));
    if (!known) return wrong;
    uint64_t seen = segment_header::block_size;
    if (header) end_ = std::max(end_, header->previous, by_last);
    if (!damage_ && !wrong.ok()) {
      damage_ = {sequence, 0, sequence == sequences_.front(), wrong};
    } else if (!damage_) {
      TROUPE_TRY_LET(seen, scan(sequence, content, *header));
    }
    if (damage_) end_ = std::max(end_, last_readable(content, place, seen), by_last);
    const bool all_lost = damage_ && damage_->first && damage_->sequence == sequence &&
                          seen == segment_header::block_size;
    if (all_lost) began_with_ = beginning_of(content, place);
    return absl::OkStatus();
  }

  // The checksum of the first batch of a log, by itself, by the batch behind it or by the mark
  // behind it; 0 where none can be read.
  static uint64_t beginning_of(std::string_view content, const segment_header& place) {
    if (holds_nothing(content)) return 0;
    if (const auto first = first_batch(content))
      return first->first_index() == log_index(1) ? first->checksum() : 0;
    const auto m = find_mark(place, content, segment_header::block_size);
    uint64_t found = m && m->tail.last.index == log_index(1) ? m->tail.checksum : 0;
    visit_readable(content, place, segment_header::block_size, [&](uint64_t, const batch_ptr& b) {
      if (b->first_index() == log_index(2)) found = b->previous_checksum();
    });
    return found;
  }

  // Where it ends, or the damage begins.
  absl::StatusOr<uint64_t> scan(uint64_t sequence, std::string_view content,
                                const segment_header& header) {
    const auto nothing = [](uint64_t, const batch_ptr&) {};
    const bool newest = sequence == sequences_.back();
    TROUPE_TRY_LET(const auto scanned, scan_segment(path_of(sequence), content, header, newest,
                                                    elsewhere_.durable, nothing));
    end_ = scanned.tail;
    if (!scanned.damage.ok())
      damage_ = {sequence, scanned.end, sequence == sequences_.front(), scanned.damage};
    return scanned.end;
  }

  // Whether what stands behind a damaged header continues the log.
  bool continues(std::string_view content, const segment_header& place) const {
    if (holds_nothing(content)) return true;
    const auto rest = content.substr(segment_header::block_size);
    if (const auto m = decode_mark(place, segment_header::block_size, rest)) return m->tail == end_;
    const batch_ptr first[] = {first_batch(content)};
    return first[0] && check_follows(end_, first).ok();
  }

  absl::Status begins_wrong(uint64_t sequence, const std::optional<segment_header>& header,
                            bool first) const {
    const auto at = [&](const char* what) {
      return absl::DataLossError(absl::StrCat(path_of(sequence), " at offset 0: ", what));
    };
    if (!header) return at("segment header is damaged");
    if (first) return absl::OkStatus();
    const auto before = *std::prev(std::ranges::lower_bound(sequences_, sequence));
    if (before + 1 != sequence) return at("the segment before it is missing");
    if (header->previous != end_) return at("it does not continue the segment before it");
    return absl::OkStatus();
  }

  env& files_;
  const std::string dir_;
  const identity owner_;
  const known_of_log elsewhere_;
  std::vector<uint64_t> sequences_;
  log_tail end_;  // of the log, as far as it can be read
  uint64_t began_with_ = 0;
  std::optional<first_damage> damage_;
};

// `bytes`, and zeros up to `size`.
absl::Status write_file(env& files, const std::string& path, std::string_view bytes,
                        uint64_t size) {
  TROUPE_TRY_LET(auto to, files.open(path, open_mode::create));
  TROUPE_TRY(to->write(0, bytes));
  TROUPE_TRY(to->truncate(size));
  return to->sync();
}

absl::StatusOr<std::string> free_path(env& files, const std::string& dir,
                                      const aside_origin& origin) {
  TROUPE_TRY_LET(const auto names, files.list(dir));
  return absl::StrCat(dir, "/", aside_name(origin, names));
}

absl::Status set_aside(env& files, const std::string& dir, uint64_t sequence) {
  const auto path = absl::StrCat(dir, "/", segment_name(sequence));
  TROUPE_TRY_LET(const auto to, free_path(files, dir, {sequence}));
  TROUPE_EVENT(warn) << "sets aside " << path;
  TROUPE_TRY(files.rename(path, to));
  return files.sync_dir(dir);
}

// The same from an earlier try.
absl::StatusOr<bool> has_copy(env& files, const std::string& dir, const aside_origin& origin,
                              std::string_view content) {
  TROUPE_TRY_LET(const auto names, files.list(dir));
  for (const auto& name : names) {
    if (parse_aside_name(name) != origin) continue;
    auto from = files.open(absl::StrCat(dir, "/", name), open_mode::existing);
    const auto bytes = from.ok() ? (*from)->read(0, content.size() + 1) : from.status();
    if (bytes.ok() && *bytes == content) return true;
  }
  return false;
}

// Of what is behind `offset`. The zeros at its end take no room, but a batch may end in some.
absl::Status keep_copy(env& files, const std::string& dir, uint64_t sequence, uint64_t offset) {
  TROUPE_TRY_LET(auto from,
                 files.open(absl::StrCat(dir, "/", segment_name(sequence)), open_mode::existing));
  TROUPE_TRY_LET(const auto size, from->size());
  TROUPE_TRY_LET(const auto content, from->read(offset, size - offset));
  const std::string_view written(content.data(), content.find_last_not_of('\0') + 1);
  TROUPE_TRY_LET(const bool there, has_copy(files, dir, {sequence, offset}, content));
  if (there) return absl::OkStatus();
  const auto unfinished = absl::StrCat(dir, "/", unfinished_copy);
  TROUPE_TRY(remove_if_there(files, unfinished));
  auto copied = write_file(files, unfinished, written, content.size());
  if (!copied.ok()) TROUPE_TRY(remove_if_there(files, unfinished));
  TROUPE_TRY(copied);
  TROUPE_TRY_LET(const auto path, free_path(files, dir, {sequence, offset}));
  TROUPE_TRY(files.rename(unfinished, path));
  return files.sync_dir(dir);
}

// `header`, if any, is written anew.
absl::Status cut(env& files, const std::string& path, uint64_t offset, std::string_view header) {
  TROUPE_EVENT(warn) << "cuts " << path << " at offset " << offset;
  TROUPE_TRY_LET(auto from, files.open(path, open_mode::existing));
  TROUPE_TRY(from->truncate(offset));
  TROUPE_TRY(from->sync());
  if (header.empty()) return absl::OkStatus();
  TROUPE_TRY(from->write(0, header));
  return from->sync();
}

}  // namespace

absl::StatusOr<lost_entries> find_damage(env& files, const std::string& log_dir,
                                         const identity& owner, const known_of_log& known) {
  examination seen(files, log_dir, owner, known);
  TROUPE_TRY(seen.run());
  if (!seen.damage()) return absl::InternalError(absl::StrCat(log_dir, ": nothing is damaged"));
  return lost_entries{std::max({seen.last(), known.durable, known.covered}),
                      std::string(seen.damage()->what.message()), seen.began_with()};
}

absl::Status cut_damage(env& files, const std::string& log_dir, const identity& owner,
                        const known_of_log& known) {
  examination seen(files, log_dir, owner, known);
  TROUPE_TRY(seen.run());
  if (!seen.damage()) return absl::OkStatus();
  const auto& at = *seen.damage();
  const std::string path = seen.path_of(at.sequence);
  const bool cuts = at.offset != 0 || at.first;
  if (cuts) TROUPE_TRY(keep_copy(files, log_dir, at.sequence, at.offset));
  // From the back, so that whatever a crash leaves is damaged at the same place.
  const auto& all = seen.sequences();
  for (auto s = all.rbegin(); s != all.rend() && *s > at.sequence; ++s)
    TROUPE_TRY(set_aside(files, log_dir, *s));
  if (!cuts) return set_aside(files, log_dir, at.sequence);
  if (at.offset != 0) return cut(files, path, at.offset, {});
  segment_header header;
  header.node = owner.node;
  header.incarnation = owner.incarnation;
  header.sequence = at.sequence;
  return cut(files, path, segment_header::block_size, encode_header(header));
}

}  // namespace troupe::storage
