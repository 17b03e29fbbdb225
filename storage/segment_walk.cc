#include "storage/segment_walk.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "storage/append_check.h"
#include "storage/try.h"

namespace troupe::storage {

segment_walk::segment_walk(file& from, const segment_header& header, const batch_place& start,
                           uint64_t end, uint64_t piece)
    : file_(from),
      header_(header),
      start_(start),
      end_(end),
      piece_(piece),
      begin_(start.offset),
      at_(start.offset) {}

absl::Status segment_walk::damaged(const std::string& what) const {
  return absl::DataLossError(absl::StrCat(file_.path(), " at offset ", at_, ": ", what));
}

std::string_view segment_walk::here() const {
  const uint64_t from = at_ - begin_;
  return from < bytes_.size() ? std::string_view(bytes_).substr(from) : std::string_view();
}

// At least `length` bytes are here, or all that there are.
absl::Status segment_walk::fill(uint64_t length) {
  const uint64_t wanted = std::min(length, end_ - at_);
  if (here().size() >= wanted) return absl::OkStatus();
  TROUPE_TRY_LET(bytes_, file_.read(at_, std::min(std::max(piece_, wanted), end_ - at_)));
  begin_ = at_;
  return absl::OkStatus();
}

bool segment_walk::fits(const batch_ptr& b) const {
  if (!tail_) return b->checksum() == start_.checksum && b->first_index() == start_.first;
  const batch_ptr one[] = {b};
  return check_follows(*tail_, one).ok();
}

absl::StatusOr<batch_ptr> segment_walk::batch_here() {
  TROUPE_TRY(fill(batch::header_size));
  const uint64_t length = batch::peek_length(here());
  if (length == 0) return damaged("batch: length does not fit");
  TROUPE_TRY(fill(length));
  if (here().size() < length) return damaged("batch: the file ends before it");
  auto found = batch::parse(std::string(here().substr(0, length)));
  if (!found.ok()) return damaged(std::string(found.status().message()));
  if (!fits(*found)) return damaged("batch: it is not the one that was written");
  return found;
}

absl::Status segment_walk::step_over_marks() {
  while (tail_ && at_ < end_) {
    TROUPE_TRY(fill(mark::size));
    const auto m = decode_mark(header_, at_, here());
    if (!m || m->tail != *tail_) return absl::OkStatus();
    at_ += mark::size;
  }
  return absl::OkStatus();
}

absl::StatusOr<batch_ptr> segment_walk::next() {
  TROUPE_TRY(step_over_marks());
  if (at_ >= end_) return nullptr;
  auto found = batch_here();
  if (absl::IsDataLoss(found.status()) && tail_) found = behind_lost_mark(std::move(found));
  TROUPE_TRY(found.status());
  if (*found == nullptr) return nullptr;
  offset_ = at_;
  at_ += (*found)->bytes().size();
  tail_ = (*found)->tail();
  return found;
}

// Where what is behind it is as it should be, only a mark is damaged.
absl::StatusOr<batch_ptr> segment_walk::behind_lost_mark(absl::StatusOr<batch_ptr> otherwise) {
  const auto from = std::exchange(at_, at_ + mark::size);
  TROUPE_TRY(step_over_marks());
  auto behind = at_ < end_ ? batch_here() : absl::StatusOr<batch_ptr>(nullptr);
  if (!behind.ok() || at_ > end_) {
    at_ = from;
    return otherwise;
  }
  lost_marks_.push_back({from, *tail_});
  return behind;
}

}  // namespace troupe::storage
