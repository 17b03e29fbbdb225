#include "storage/segment.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proto/check.h"
#include "proto/trace.h"
#include "storage/segment_scan.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// Batches are gathered into one write up to this size.
constexpr size_t gather_limit = 1 << 20;

}  // namespace

segment::segment(std::unique_ptr<file> file, const segment_header& header,
                 const segment_options& options)
    : file_(std::move(file)), header_(header), options_(options), tail_(header.previous) {
  // A place has 32 bits for an offset, and one batch may go beyond the segment's size.
  TROUPE_CHECK(options.size.value + batch::max_size <= std::numeric_limits<uint32_t>::max(),
               "offsets in a segment fit into 32 bits");
}

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
    bool newest, absl::FunctionRef<void(const batch_ptr&)> visit) {
  auto found = std::unique_ptr<segment>(new segment(std::move(from), header, options));
  TROUPE_TRY_LET(const auto size, found->file_->size());
  TROUPE_TRY_LET(const auto content, found->file_->read(0, size));
  const auto add = [&](uint64_t offset, const batch_ptr& b) {
    found->places_.push_back({b->first_index(), b->checksum(), static_cast<uint32_t>(offset),
                              static_cast<uint32_t>(b->bytes().size())});
    visit(b);
  };
  TROUPE_TRY_LET(const auto scanned, scan_segment(found->path(), content, header, newest, add));
  found->tail_ = scanned.tail;
  found->end_ = scanned.end;
  found->zeroed_ = std::max<uint64_t>(content.size(), scanned.end);
  if (!newest) return found;
  if (scanned.torn) {
    TROUPE_EVENT(warn) << "cut torn tail of " << found->path() << " at offset " << scanned.end
                       << " after entry " << scanned.tail.last;
    TROUPE_TRY(found->file_->truncate(scanned.end));
    TROUPE_TRY(found->allocate_again());
    found->zeroed_ = scanned.end;
  }
  // What was read may be in the kernel's cache only.
  TROUPE_TRY(found->file_->sync());
  // Before a mark behind them says that they were durable.
  for (const uint64_t offset : scanned.lost_marks)
    TROUPE_TRY(found->file_->write(offset, encode_mark(header, offset)));
  if (!scanned.lost_marks.empty()) TROUPE_TRY(found->file_->sync());
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
    places_.push_back({b->first_index(), b->checksum(), static_cast<uint32_t>(offset),
                       static_cast<uint32_t>(b->bytes().size())});
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
  TROUPE_TRY(file_->write(end_, encode_mark(header_, end_)));
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

absl::Status segment::cut(size_t count, const log_tail& tail) {
  TROUPE_CHECK(count <= places_.size(), "a cut makes a segment shorter");
  const uint64_t end = count == 0 ? segment_header::block_size
                                  : places_[count - 1].offset + uint64_t{places_[count - 1].length};
  places_.resize(count);
  tail_ = tail;
  TROUPE_TRY(file_->truncate(end));
  TROUPE_TRY(allocate_again());
  end_ = zeroed_ = end;
  TROUPE_TRY(file_->sync());
  dirty_ = false;
  // What stays was acknowledged long ago: after a power cut it must not look like the last write.
  return count == 0 ? absl::OkStatus() : confirm();
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

absl::StatusOr<std::string> segment::read(size_t first, size_t last) {
  TROUPE_CHECK(first < last && last <= places_.size(), "only batches that are there are read");
  const uint64_t begin = places_[first].offset;
  const uint64_t end = places_[last - 1].offset + uint64_t{places_[last - 1].length};
  return file_->read(begin, end - begin);
}

}  // namespace troupe::storage
