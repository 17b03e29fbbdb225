// Goes through the batches of a segment from one place on, reading the file piece by piece, and
// verifies each: its bytes and its place in the chain. Marks between them are stepped over.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "storage/env.h"
#include "storage/segment_format.h"
#include "storage/sparse_index.h"

namespace troupe::storage {

class segment_walk {
 public:
  // From the batch at `start` to the byte before `end`; reads `piece` bytes at a time, and more
  // where a batch is larger. `from` must outlive it.
  segment_walk(file& from, const segment_header& header, const batch_place& start, uint64_t end,
               uint64_t piece);

  // The next batch; null behind the last. kDataLoss, with path and offset, where the bytes are not
  // those that were written.
  absl::StatusOr<batch_ptr> next();
  // Where the batch that next() gave begins.
  uint64_t offset() const { return offset_; }
  // A mark that is damaged, though what is around it is not, was stepped over; each once.
  std::vector<mark> take_lost_marks() { return std::exchange(lost_marks_, {}); }

 private:
  absl::Status fill(uint64_t length);
  std::string_view here() const;
  absl::Status damaged(const std::string& what) const;
  absl::Status step_over_marks();
  absl::StatusOr<batch_ptr> batch_here();
  absl::StatusOr<batch_ptr> behind_lost_mark(absl::StatusOr<batch_ptr> otherwise);
  bool fits(const batch_ptr& b) const;

  file& file_;
  const segment_header header_;
  const batch_place start_;
  const uint64_t end_;
  const uint64_t piece_;
  std::string bytes_;    // of the file
  uint64_t begin_;       // where they are in it
  uint64_t at_;          // what is read next
  uint64_t offset_ = 0;  // of the last batch
  std::optional<log_tail> tail_;
  std::vector<mark> lost_marks_;
};

}  // namespace troupe::storage
