// Where batches begin in a segment: not of each, but of one in every 64 KiB, so that the memory for
// it is bounded by the size of the log and not by how small its batches are.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/batch.h"

namespace troupe::storage {

// Where a batch is in its segment.
struct batch_place {
  log_index first;
  uint64_t checksum;
  uint64_t offset;
};

class sparse_index {
 public:
  static constexpr uint64_t distance = 64 << 10;

  // The next batch of the segment begins at `offset`.
  void add(uint64_t offset, const batch& b);
  // Forgets the batches after `last`.
  void truncate_after(log_index last);

  bool empty() const { return places_.empty(); }
  size_t size() const { return places_.size(); }
  const batch_place& at(size_t i) const { return places_[i]; }
  // The last place at or before the batch that holds `index`. Precondition: there is one.
  size_t before(log_index index) const;

 private:
  std::vector<batch_place> places_;
};

}  // namespace troupe::storage
