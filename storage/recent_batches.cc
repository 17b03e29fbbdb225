#include "storage/recent_batches.h"

#include <algorithm>
#include <limits>

#include "proto/check.h"

namespace troupe::storage {

void recent_batches::add(const batch_ptr& newest) {
  TROUPE_CHECK(batches_.empty() || batches_.back()->last_index().next() == newest->first_index(),
               "what is held is the end of the log, without a gap");
  batches_.push_back(newest);
  held_ += newest->size().value;
  while (held_ > most_) {
    held_ = held_ - batches_.front()->size().value;
    batches_.pop_front();
  }
}

void recent_batches::clear() {
  batches_.clear();
  held_ = {};
}

log_index recent_batches::first() const {
  return batches_.empty() ? log_index(std::numeric_limits<uint64_t>::max())
                          : batches_.front()->first_index();
}

std::deque<batch_ptr>::const_iterator recent_batches::find(log_index index) const {
  TROUPE_CHECK(first() <= index, "only what is held is asked for");
  return std::partition_point(batches_.begin(), batches_.end(),
                              [&](const batch_ptr& b) { return b->last_index() < index; });
}

}  // namespace troupe::storage
