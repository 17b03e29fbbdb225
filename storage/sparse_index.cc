#include "storage/sparse_index.h"

#include <algorithm>

#include "proto/check.h"

namespace troupe::storage {

void sparse_index::add(uint64_t offset, const batch& b) {
  if (!places_.empty() && offset < places_.back().offset + distance) return;
  places_.push_back({b.first_index(), b.checksum(), offset});
}

void sparse_index::truncate_after(log_index last) {
  while (!places_.empty() && places_.back().first > last) places_.pop_back();
}

size_t sparse_index::before(log_index index) const {
  const auto next = std::ranges::upper_bound(places_, index, {}, &batch_place::first);
  TROUPE_CHECK(next != places_.begin(), "the entry is in the segment");
  return static_cast<size_t>(next - places_.begin()) - 1;
}

}  // namespace troupe::storage
