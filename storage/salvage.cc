#include "storage/salvage.h"

#include <algorithm>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "proto/trace.h"
#include "storage/append_check.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr const char* aside = ".lost";
constexpr const char* sent_by_others = "sent";
constexpr const char* part_sign = "-";
constexpr uint64_t most_offset = 1 << 30;

// Of a file that was set aside: its segment, 0 where others sent it, and where in that it stood.
struct origin {
  uint64_t sequence = 0;
  uint64_t offset = 0;
};

origin origin_of(const std::string& name) {
  const size_t length = segment_name(1).size();
  const auto sequence = parse_segment_name(name.substr(0, length));
  if (!sequence) return {};
  absl::string_view rest = absl::string_view(name).substr(length);
  uint64_t offset = 0;
  const bool part = absl::ConsumePrefix(&rest, part_sign) &&
                    absl::SimpleAtoi(rest.substr(0, rest.find('.')), &offset) &&
                    offset <= most_offset;
  return {*sequence, part ? offset : 0};
}

bool follows(const log_tail& tail, const batch_ptr& b) {
  const batch_ptr one[] = {b};
  return check_follows(tail, one).ok();
}

log_tail before(const batch& b) { return {{{}, b.first_index() - 1}, b.previous_checksum()}; }

// Adds a batch to the last of `runs`, or begins another.
void note(std::vector<batch_run>& runs, const std::string& path, uint64_t offset,
          const batch_ptr& b) {
  if (runs.empty() || runs.back().path != path || !follows(runs.back().last, b))
    runs.push_back({path, offset, 0, before(*b), {}});
  runs.back().end = offset + b->bytes().size();
  runs.back().last = b->tail();
}

}  // namespace

salvage::salvage(env& files, std::string log_dir, const identity& owner)
    : files_(files), dir_(std::move(log_dir)), owner_(owner) {}

absl::Status salvage::take_stock() {
  if (runs_) return absl::OkStatus();
  std::vector<batch_run> found;
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  for (const auto& name : names)
    if (absl::EndsWith(name, aside)) TROUPE_TRY(look_into(name, found));
  TROUPE_EVENT(info) << "of what was set aside in " << dir_ << ", " << found.size()
                     << " runs of batches can be read";
  for (const auto& run : found)
    TROUPE_EVENT(debug) << run.path << " at offset " << run.begin << ": entries after "
                        << run.before.last.index << " up to " << run.last.last;
  runs_ = std::move(found);
  return absl::OkStatus();
}

// A mark knows where in its segment it stands, so what was before a part is made up for.
absl::Status salvage::look_into(const std::string& name, std::vector<batch_run>& found) const {
  const auto path = dir_ + "/" + name;
  const auto origin = origin_of(name);
  std::string content(origin.offset, '\0');
  TROUPE_TRY_LET(auto from, files_.open(path, open_mode::existing));
  TROUPE_TRY_LET(const auto size, from->size());
  TROUPE_TRY_LET(const auto bytes, from->read(0, size));
  content += bytes;
  segment_header segment;
  segment.sequence = origin.sequence;
  segment.incarnation = owner_.incarnation;
  const bool has_header = origin.sequence != 0 && origin.offset == 0;
  visit_readable(
      content, segment, has_header ? segment_header::block_size : origin.offset,
      [&](uint64_t at, const batch_ptr& b) { note(found, path, at - origin.offset, b); });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<batch_ptr>> salvage::read(const batch_run& run) const {
  TROUPE_TRY_LET(auto from, files_.open(run.path, open_mode::existing));
  TROUPE_TRY_LET(const auto bytes, from->read(run.begin, run.end - run.begin));
  std::vector<batch_ptr> found;
  for (size_t at = 0; at < bytes.size();) {
    auto next = batch_at(std::string_view(bytes).substr(at));
    if (!next.ok()) {
      at += mark::size;
      continue;
    }
    if (!follows(found.empty() ? run.before : found.back()->tail(), *next)) break;
    at += (*next)->bytes().size();
    found.push_back(*std::move(next));
    if (found.back()->tail() == run.last) return found;
  }
  return absl::DataLossError(absl::StrCat(run.path, " at offset ", run.begin, ": it has changed"));
}

// The newest part of a run that ends there.
absl::StatusOr<std::optional<batch_run>> salvage::run_up_to(const batch_name& end) const {
  for (const auto& run : *runs_) {
    if (end.last.index <= run.before.last.index || end.last.index > run.last.last.index) continue;
    if (end.names(run.last)) return run;
    TROUPE_TRY_LET(const auto batches, read(run));
    for (const auto& b : batches) {
      if (!end.names(b->tail())) continue;
      batch_run part = run;
      part.last = b->tail();
      return part;
    }
  }
  return std::nullopt;
}

absl::StatusOr<salvage::way> salvage::find_way(const log_tail& tail, const batch_name& end) {
  TROUPE_TRY(take_stock());
  way found;
  batch_name from = end;  // what is known leads from here to `end`
  while (from.last.index > tail.last.index) {
    TROUPE_TRY_LET(auto run, run_up_to(from));
    if (!run) {
      log_index after = tail.last.index;
      for (const auto& other : *runs_)
        if (other.last.last.index < from.last.index) after = std::max(after, other.last.last.index);
      found.missing = missing_batches{after, from};
      return found;
    }
    from = {run->before.last, run->before.checksum};
    found.runs.insert(found.runs.begin(), *std::move(run));
  }
  return found;
}

absl::StatusOr<std::vector<batch_ptr>> salvage::find(const missing_batches& wanted,
                                                     byte_count most) {
  TROUPE_TRY(take_stock());
  TROUPE_TRY_LET(const auto run, run_up_to(wanted.end));
  if (!run) return std::vector<batch_ptr>();
  TROUPE_TRY_LET(auto batches, read(*run));
  return newest_of(std::move(batches), wanted.after, most);
}

absl::Status salvage::add(std::span<const batch_ptr> batches) {
  TROUPE_TRY(take_stock());
  TROUPE_TRY_LET(const auto path, name_aside(files_, dir_, sent_by_others));
  TROUPE_TRY_LET(auto to, files_.open(path, open_mode::create));
  std::vector<batch_run> added;
  uint64_t at = 0;
  absl::Status written;
  for (const auto& b : batches) {
    if (written.ok()) written = to->write(at, b->bytes());
    note(added, path, at, b);
    at += b->bytes().size();
  }
  if (written.ok()) written = to->sync();
  if (absl::IsResourceExhausted(written)) return files_.remove(path);
  TROUPE_TRY(written);
  runs_->insert(runs_->end(), added.begin(), added.end());
  return files_.sync_dir(dir_);
}

absl::Status salvage::clear() {
  runs_.reset();
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  for (const auto& name : names)
    if (absl::EndsWith(name, aside)) TROUPE_TRY(files_.remove(dir_ + "/" + name));
  return absl::OkStatus();
}

absl::StatusOr<std::string> name_aside(env& files, const std::string& log_dir,
                                       const std::string& name) {
  TROUPE_TRY_LET(const auto taken, files.list(log_dir));
  for (int n = 1;; ++n) {
    const auto free = absl::StrCat(name, n == 1 ? "" : absl::StrCat(".", n), aside);
    if (std::ranges::count(taken, free) == 0) return absl::StrCat(log_dir, "/", free);
  }
}

std::string name_of_part(const std::string& segment, uint64_t offset) {
  return absl::StrCat(segment, part_sign, offset);
}

}  // namespace troupe::storage
