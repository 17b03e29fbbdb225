// The newest batches of a log in memory, so that replication and application, which follow the
// tail, never read the disk. Bounded in bytes; shares the batches with whoever else holds them.
#pragma once

#include <deque>

#include "proto/batch.h"

namespace troupe::storage {

class recent_batches {
 public:
  explicit recent_batches(byte_count most) : most_(most) {}

  // `newest` continues the one that was added last. Forgets the oldest to stay within the bound.
  void add(const batch_ptr& newest);
  void clear();

  // The first index that is held, or a number beyond every index when nothing is.
  log_index first() const;
  // The batch that contains `index`. Precondition: first() <= index <= the newest entry.
  std::deque<batch_ptr>::const_iterator find(log_index index) const;
  std::deque<batch_ptr>::const_iterator end() const { return batches_.end(); }

 private:
  byte_count most_;
  byte_count held_;
  std::deque<batch_ptr> batches_;
};

}  // namespace troupe::storage
