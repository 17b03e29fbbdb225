#include "storage/segment.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "proto/check.h"
#include "proto/trace.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// Batches are gathered into one write up to this size.
constexpr size_t gather_limit = 1 << 20;
// That is read at once.
constexpr uint64_t longest_piece = 8 << 20;

// The batch that holds `index`, on from where the walk is.
absl::StatusOr<batch_ptr> seek(segment_walk& through, log_index index) {
  for (;;) {
    TROUPE_TRY_LET(auto next, through.next());
    TROUPE_CHECK(next != nullptr, "the entry is in the segment");
    if (next->last_index() >= index) return next;
  }
}

}  // namespace

segment::segment(std::unique_ptr<file> file, const segment_header& header,
                 const segment_options& options)
    : file_(std::move(file)), header_(header), options_(options), tail_(header.previous) {}

absl::StatusOr<std::unique_ptr<segment>> segment::create(env& files, const std::string& dir,
                                                         const segment_header& header,
                                                         const segment_options& options,
                                                         std::string_view from) {
  const std::string path = dir + "/" + segment_name(header.sequence);
  if (!from.empty()) TROUPE_TRY(files.rename(dir + "/" + std::string(from), path));
  TROUPE_TRY_LET(auto file,
                 files.open(path, from.empty() ? open_mode::create : open_mode::existing));
  if (from.empty()) TROUPE_TRY(file->allocate(options.room()));
  TROUPE_TRY(file->write(0, encode_header(header)));
  auto made = std::unique_ptr<segment>(new segment(std::move(file), header, options));
  TROUPE_TRY(made->zero_ahead(0));
  TROUPE_TRY(made->file_->sync());
  TROUPE_TRY(files.sync_dir(dir));
  return made;
}

absl::StatusOr<std::unique_ptr<segment>> segment::recover(
    std::unique_ptr<file> from, const segment_header& header, const segment_options& options,
    bool newest, const log_id& durable, absl::FunctionRef<void(const batch_ptr&)> visit) {
  auto found = std::unique_ptr<segment>(new segment(std::move(from), header, options));
  TROUPE_TRY_LET(const auto size, found->file_->size());
  TROUPE_TRY_LET(const auto content, found->file_->read(0, size));
  const auto add = [&](uint64_t offset, const batch_ptr& b) {
    found->places_.add(offset, *b);
    visit(b);
  };
  TROUPE_TRY_LET(const auto scanned,
                 scan_segment(found->path(), content, header, newest, durable, add));
  TROUPE_TRY(scanned.damage);
  found->tail_ = scanned.tail;
  found->end_ = found->found_until_ = scanned.end;
  found->zeroed_ = std::max<uint64_t>(content.size(), scanned.end);
  for (const mark& m : scanned.lost_marks)
    TROUPE_TRY(found->mend(m.offset, encode_mark(header, m)));
  if (!newest) return found;
  if (scanned.torn) {
    TROUPE_EVENT(warn) << "cut torn tail of " << found->path() << " at offset " << scanned.end
                       << " after entry " << scanned.tail.last;
    TROUPE_TRY(found->file_->truncate(scanned.end));
    found->zeroed_ = scanned.end;
  }
  TROUPE_TRY(found->allocate_again());
  // What was read may be in the kernel's cache only.
  TROUPE_TRY(found->file_->sync());
  if (!scanned.marked && !found->places_.empty()) TROUPE_TRY(found->leave_mark());
  return found;
}

size_t segment::room_for(std::span<const batch_ptr> batches) const {
  uint64_t end = end_;
  size_t count = 0;
  while (count < batches.size() && end + batches[count]->bytes().size() <= options_.size.value)
    end += batches[count++]->bytes().size();
  return places_.empty() ? std::max<size_t>(count, 1) : count;
}

absl::Status segment::append(std::span<const batch_ptr> batches) {
  const uint64_t start = end_;
  uint64_t offset = end_;
  gathered_.clear();
  for (const auto& b : batches) {
    if (gathered_.size() + b->bytes().size() > gather_limit && !gathered_.empty()) {
      TROUPE_TRY(write_at_end(gathered_));
      gathered_.clear();
    }
    places_.add(offset, *b);
    offset += b->bytes().size();
    // A large batch is not worth a copy.
    if (batches.size() == 1 || b->bytes().size() > gather_limit)
      TROUPE_TRY(write_at_end(b->bytes()));
    else
      gathered_.append(b->bytes());
    tail_ = b->tail();
  }
  if (!gathered_.empty()) TROUPE_TRY(write_at_end(gathered_));
  return zero_ahead(end_ - start);
}

absl::Status segment::write_at_end(std::string_view bytes) {
  dirty_ = true;
  TROUPE_TRY(file_->write(end_, bytes));
  end_ += bytes.size();
  return absl::OkStatus();
}

// Zeroes the next piece once the last is used up. Where writes are large, growing the file with
// each costs less than writing twice.
absl::Status segment::zero_ahead(uint64_t written) {
  if (end_ < zeroed_) return absl::OkStatus();
  zeroed_ = end_;
  const uint64_t piece = options_.zero_ahead.value;
  const uint64_t until = std::min(end_ + piece, options_.size.value);
  if (until <= end_ || written >= piece / 4) return absl::OkStatus();
  static const std::string zeros(1 << 18, '\0');
  while (zeroed_ < until) {
    const uint64_t n = std::min<uint64_t>(zeros.size(), until - zeroed_);
    TROUPE_TRY(file_->write(zeroed_, std::string_view(zeros).substr(0, n)));
    zeroed_ += n;
  }
  return absl::OkStatus();
}

absl::Status segment::leave_mark() {
  TROUPE_TRY(file_->write(end_, encode_mark(header_, {end_, tail_})));
  end_ += mark::size;
  return absl::OkStatus();
}

absl::Status segment::confirm() {
  TROUPE_TRY(leave_mark());
  return file_->sync();
}

absl::Status segment::sync() {
  if (!dirty_) return absl::OkStatus();
  TROUPE_TRY(file_->sync());
  dirty_ = false;
  return leave_mark();
}

absl::Status segment::cut(log_index last) {
  uint64_t end = segment_header::block_size;
  log_tail tail = header_.previous;
  if (last >= first()) {
    auto to = walk(last, sparse_index::distance);
    TROUPE_TRY_LET(const auto kept, seek(to, last));
    TROUPE_CHECK(kept->last_index() == last, "a log is cut between two batches");
    end = to.offset() + kept->bytes().size();
    tail = kept->tail();
  }
  places_.truncate_after(last);
  tail_ = tail;
  TROUPE_TRY(file_->truncate(end));
  TROUPE_TRY(allocate_again());
  end_ = zeroed_ = end;
  TROUPE_TRY(file_->sync());
  dirty_ = false;
  // What stays was acknowledged long ago: after a power cut it must not look like the last write.
  return places_.empty() ? absl::OkStatus() : confirm();
}

// Cutting gave the room away. Where another program took it meanwhile, this segment has none.
absl::Status segment::allocate_again() {
  const auto status = file_->allocate(options_.room());
  return absl::IsResourceExhausted(status) ? absl::OkStatus() : status;
}

absl::Status segment::seal() {
  TROUPE_TRY(file_->truncate(end_));
  zeroed_ = end_;
  TROUPE_TRY(file_->sync());
  dirty_ = false;
  return absl::OkStatus();
}

// -- reading --------------------------------------------------------------------------------------

segment_walk segment::walk(log_index from, uint64_t piece) {
  return segment_walk(*file_, header_, places_.at(places_.before(from)), end_, piece);
}

absl::StatusOr<batch_ptr> segment::find(log_index index) {
  auto there = walk(index, sparse_index::distance);
  return seek(there, index);
}

absl::Status segment::read(log_index from, log_index stop, byte_count most,
                           std::vector<batch_ptr>* to) {
  uint64_t taken = 0;
  for (const auto& b : *to) taken += b->bytes().size();
  auto through = walk(from, std::clamp(most.value, sparse_index::distance, longest_piece));
  TROUPE_TRY_LET(auto next, seek(through, from));
  while (next != nullptr) {
    taken += next->bytes().size();
    if (taken > most.value && !to->empty()) return absl::OkStatus();
    to->push_back(std::move(next));
    if (to->back()->last_index().next() >= stop) return absl::OkStatus();
    TROUPE_TRY_LET(next, through.next());
  }
  return absl::OkStatus();
}

// -- scrubbing ------------------------------------------------------------------------------------

absl::StatusOr<log_index> segment::check(log_index from, byte_count most) {
  size_t place = places_.before(from);
  const uint64_t begin = places_.at(place).offset;
  if (place == 0) TROUPE_TRY(check_header());
  do {
    TROUPE_TRY(check_from(place++));
  } while (place < places_.size() && end_of(place) - begin <= most.value);
  return place < places_.size() ? places_.at(place).first : tail_.last.index.next();
}

uint64_t segment::end_of(size_t place) const {
  return place + 1 < places_.size() ? places_.at(place + 1).offset : end_;
}

absl::Status segment::mend(uint64_t offset, const std::string& with) {
  TROUPE_EVENT(warn) << "repairing from what is around it: " << path() << " at offset " << offset;
  TROUPE_TRY(file_->write(offset, with));
  return file_->sync();
}

absl::Status segment::check_header() {
  file_->uncache(0, segment_header::block_size);
  TROUPE_TRY_LET(const auto bytes, file_->read(0, segment_header::block_size));
  const auto found = decode_header(bytes);
  return found.ok() && *found == header_ ? absl::OkStatus() : mend(0, encode_header(header_));
}

absl::Status segment::check_from(size_t place) {
  const auto& start = places_.at(place);
  const uint64_t end = end_of(place);
  file_->uncache(start.offset, end - start.offset);
  segment_walk through(*file_, header_, start, end, end - start.offset);
  for (batch_ptr b;;) {
    TROUPE_TRY_LET(b, through.next());
    if (b == nullptr) break;
  }
  for (const mark& m : through.take_lost_marks())
    TROUPE_TRY(mend(m.offset, encode_mark(header_, m)));
  return absl::OkStatus();
}

}  // namespace troupe::storage
