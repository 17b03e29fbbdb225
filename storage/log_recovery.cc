#include "storage/log_recovery.h"

#include <vector>

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include "proto/trace.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

struct found_segment {
  std::unique_ptr<file> from;
  segment_header header;
};

class recovery {
 public:
  recovery(env& files, const std::string& dir, const identity& owner)
      : files_(files), dir_(dir), owner_(owner) {}

  absl::Status list() {
    TROUPE_TRY_LET(const auto names, files_.list(dir_));
    for (const auto& name : names)
      if (const auto sequence = parse_segment_name(name)) sequences_.push_back(*sequence);
    return absl::OkStatus();
  }

  // Opens from the newest to the first that counts. The older ones are void.
  absl::Status open() {
    uint64_t newer = 0;
    while (!sequences_.empty() && (found_.empty() || !found_.front().header.starts_log)) {
      const uint64_t sequence = sequences_.back();
      if (newer != 0 && newer != sequence + 1)
        return absl::DataLossError(absl::StrCat(dir_, ": ", segment_name(sequence + 1),
                                                " is missing between its neighbours"));
      TROUPE_TRY_LET(auto from, files_.open(path_of(sequence), open_mode::existing));
      auto header = header_of(*from, sequence);
      sequences_.pop_back();
      newer = sequence;
      if (header.ok()) {
        found_.push_front({std::move(from), *header});
        continue;
      }
      TROUPE_TRY_LET(const bool unfinished, never_finished(*from, header.status()));
      if (!unfinished) return header.status();
      unfinished_ = sequence;
    }
    if (found_.empty()) return absl::DataLossError(absl::StrCat(dir_, ": the log is missing"));
    return absl::OkStatus();
  }

  absl::Status remove_leftovers() {
    if (unfinished_ != 0) sequences_.push_back(unfinished_);
    for (const uint64_t sequence : sequences_) {
      TROUPE_EVENT(info) << "removed leftover " << path_of(sequence);
      TROUPE_TRY(files_.remove(path_of(sequence)));
    }
    // Also when there are none: the newest segment may have a name that is not durable yet, where a
    // process ended while it began that segment.
    return files_.sync_dir(dir_);
  }

  std::deque<found_segment>& found() { return found_; }

 private:
  std::string path_of(uint64_t sequence) const { return dir_ + "/" + segment_name(sequence); }

  absl::StatusOr<segment_header> header_of(file& from, uint64_t sequence) const {
    TROUPE_TRY_LET(const auto bytes, from.read(0, segment_header::block_size));
    auto header = decode_header(bytes);
    const std::string where = absl::StrCat(from.path(), " at offset 0: ");
    if (absl::IsUnimplemented(header.status()))
      return absl::UnimplementedError(absl::StrCat(where, std::string(header.status().message())));
    if (!header.ok())
      return absl::DataLossError(absl::StrCat(where, std::string(header.status().message())));
    if (header->sequence != sequence)
      return absl::DataLossError(absl::StrCat(where, "holds segment ", header->sequence));
    if (header->node != owner_.node || header->incarnation != owner_.incarnation)
      return absl::DataLossError(absl::StrCat(where, "comes from another data directory"));
    return header;
  }

  // Whether a crash came while this segment was being made. It is the newest then, there is one
  // before it, and nothing was ever written behind its header.
  absl::StatusOr<bool> never_finished(file& from, const absl::Status& problem) const {
    if (!absl::IsDataLoss(problem) || !found_.empty() || unfinished_ != 0 || sequences_.empty())
      return false;
    TROUPE_TRY_LET(const auto content, from.read(0, segment_header::block_size));
    if (decode_header(content).ok()) return false;  // intact, but not ours
    TROUPE_TRY_LET(const auto size, from.size());
    if (size <= segment_header::block_size) return true;
    TROUPE_TRY_LET(const auto rest,
                   from.read(segment_header::block_size, size - segment_header::block_size));
    return all_zero(rest);
  }

  env& files_;
  const std::string dir_;
  const identity owner_;
  std::vector<uint64_t> sequences_;  // not looked at yet, and void in the end
  std::deque<found_segment> found_;
  uint64_t unfinished_ = 0;
};

}  // namespace

absl::StatusOr<std::deque<std::unique_ptr<segment>>> recover_segments(
    env& files, const std::string& dir, const identity& owner, const segment_options& options,
    const log_id& durable, absl::FunctionRef<void(const batch_ptr&)> visit) {
  recovery from(files, dir, owner);
  TROUPE_TRY(from.list());
  TROUPE_TRY(from.open());
  std::deque<std::unique_ptr<segment>> segments;
  for (auto& next : from.found()) {
    const bool newest = next.header.sequence == from.found().back().header.sequence;
    if (!segments.empty() && segments.back()->tail() != next.header.previous)
      return absl::DataLossError(absl::StrCat(
          segments.back()->path(), ": ends after entry ", segments.back()->tail().last.index.value,
          " but ", segment_name(next.header.sequence), " continues after entry ",
          next.header.previous.last.index.value));
    TROUPE_TRY_LET(auto taken, segment::recover(std::move(next.from), next.header, options, newest,
                                                durable, visit));
    segments.push_back(std::move(taken));
  }
  TROUPE_TRY(from.remove_leftovers());
  return segments;
}

}  // namespace troupe::storage
