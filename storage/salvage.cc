#include "storage/salvage.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "proto/trace.h"
#include "storage/append_check.h"
#include "storage/files.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// What is read at once, but for a batch that is larger.
constexpr uint64_t run_size = MiB(1).value;

bool follows(const log_tail& tail, const batch_ptr& b) {
  const batch_ptr one[] = {b};
  return check_follows(tail, one).ok();
}

// Adds a batch to the last of `runs`, or begins another.
void note(std::vector<batch_run>& runs, const std::string& path, uint64_t offset,
          const batch_ptr& b) {
  const uint64_t end = offset + b->bytes().size();
  if (runs.empty() || runs.back().path != path || end - runs.back().begin > run_size ||
      !follows(runs.back().last, b))
    runs.push_back({path, offset, 0, batch_name::before(*b), {}});
  runs.back().end = end;
  runs.back().last = b->tail();
}

}  // namespace

salvage::salvage(env& files, std::string log_dir, const identity& owner)
    : files_(files), dir_(std::move(log_dir)), owner_(owner) {}

absl::Status salvage::take_stock() {
  if (runs_) return absl::OkStatus();
  std::vector<batch_run> found;
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  for (const auto& name : names) {
    const auto origin = parse_aside_name(name);
    if (!origin) continue;
    if (const auto read = look_into(name, *origin, found); !read.ok())
      TROUPE_EVENT(warn) << "what was set aside cannot be read: " << read.message();
  }
  uint64_t bytes = 0;
  for (const auto& run : found) bytes += run.end - run.begin;
  TROUPE_EVENT(info) << "of what was set aside in " << dir_ << ", " << bytes
                     << " bytes can be read";
  for (const auto& run : found)
    TROUPE_EVENT(debug) << run.path << " at offset " << run.begin << ": entries after "
                        << run.before.last.index << " up to " << run.last.last;
  runs_.emplace();
  index(std::move(found));
  return absl::OkStatus();
}

void salvage::index(std::vector<batch_run> more) {
  for (auto& run : more) {
    const auto last = run.last.last.index;
    runs_->emplace(last, std::move(run));
  }
}

// A mark knows where in its segment it stands, so what was before a part is made up for.
absl::Status salvage::look_into(const std::string& name, const aside_origin& origin,
                                std::vector<batch_run>& found) const {
  const auto path = dir_ + "/" + name;
  TROUPE_TRY_LET(auto content, read_file(files_, path));
  content.insert(0, origin.offset, '\0');
  segment_header segment;
  segment.sequence = origin.sequence;
  segment.incarnation = owner_.incarnation;
  const bool has_header = origin.sequence != 0 && origin.offset == 0;
  visit_readable(
      content, segment, has_header ? segment_header::block_size : origin.offset,
      [&](uint64_t at, const batch_ptr& b) { note(found, path, at - origin.offset, b); });
  return absl::OkStatus();
}

std::vector<batch_ptr> salvage::read(const batch_run& run) {
  std::vector<batch_ptr> found;
  auto from = files_.open(run.path, open_mode::existing);
  const auto bytes = from.ok() ? (*from)->read(run.begin, run.end - run.begin) : from.status();
  const std::string_view all = bytes.ok() ? std::string_view(*bytes) : std::string_view();
  log_tail tail{run.before.last, run.before.checksum};
  for (size_t at = 0; at < all.size();) {
    const auto next = batch_at(all.substr(at)).value_or(nullptr);
    at += next ? next->bytes().size() : size_t{mark::size};
    if (!next) continue;
    if (!follows(tail, next)) break;
    tail = next->tail();
    found.push_back(next);
    if (tail == run.last) return found;
  }
  TROUPE_EVENT(warn) << run.path << " at offset " << run.begin << " cannot be read as before";
  runs_.reset();
  return {};
}

// A run that ends there, or the part of one.
std::optional<batch_run> salvage::run_up_to(const batch_name& end) {
  if (!runs_) return std::nullopt;
  const auto [first, behind] = runs_->equal_range(end.last.index);
  for (auto it = first; it != behind; ++it)
    if (end.names(it->second.last)) return it->second;
  std::vector<batch_run> longer;  // reading one may be the end of all
  for (auto it = behind; it != runs_->end(); ++it)
    if (it->second.before.last.index < end.last.index) longer.push_back(it->second);
  for (auto& part : longer)
    for (const auto& b : read(part))
      if (end.names(b->tail())) return part.last = b->tail(), part;
  return std::nullopt;
}

absl::StatusOr<salvage::way> salvage::find_way(log_index tail, const batch_name& end) {
  TROUPE_TRY(take_stock());
  std::vector<batch_run> found;  // newest first: they lead from `from` to `end`
  batch_name from = end;
  while (from.last.index > tail) {
    auto run = run_up_to(from);
    if (!run) {
      TROUPE_TRY(take_stock());
      const auto later = runs_->lower_bound(from.last.index);
      const auto after = later == runs_->begin() ? tail : std::prev(later)->first;
      return missing_batches{std::max(after, tail), from};
    }
    from = run->before;
    found.push_back(*std::move(run));
  }
  std::ranges::reverse(found);
  return found;
}

absl::StatusOr<std::vector<batch_ptr>> salvage::find(const missing_batches& wanted,
                                                     byte_count most) {
  TROUPE_TRY(take_stock());
  const auto run = run_up_to(wanted.end);
  if (!run) return std::vector<batch_ptr>();
  return newest_of(read(*run), wanted.after, most);
}

absl::Status salvage::add(std::span<const batch_ptr> batches) {
  TROUPE_TRY(take_stock());
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  const auto path = absl::StrCat(dir_, "/", aside_name({}, names));
  if (auto written = write(path, batches); !written.ok()) {
    return absl::IsResourceExhausted(written) ? remove_if_there(files_, path) : written;
  }
  std::vector<batch_run> added;
  uint64_t at = 0;
  for (const auto& b : batches) {
    note(added, path, at, b);
    at += b->bytes().size();
  }
  index(std::move(added));
  return files_.sync_dir(dir_);
}

absl::Status salvage::write(const std::string& path, std::span<const batch_ptr> batches) {
  TROUPE_TRY_LET(auto to, files_.open(path, open_mode::create));
  uint64_t at = 0;
  for (const auto& b : batches) {
    TROUPE_TRY(to->write(at, b->bytes()));
    at += b->bytes().size();
  }
  return to->sync();
}

absl::Status salvage::clear() {
  runs_.reset();
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  for (const auto& name : names)
    if (parse_aside_name(name)) TROUPE_TRY(files_.remove(dir_ + "/" + name));
  return absl::OkStatus();
}

}  // namespace troupe::storage
