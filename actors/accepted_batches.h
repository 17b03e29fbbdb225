// What a follower accepted and does not know to be committed yet, kept at hand so that it reaches
// the state machine without a detour over the disk. Bounded in bytes: what falls out is read from
// the log in its turn.
#pragma once

#include <deque>
#include <vector>

#include "actors/core/acceptor.h"

namespace troupe {

class accepted_batches {
 public:
  // Takes over what a decision adds to the log, and forgets what it removes.
  void add(const core::accepted_append& decision);
  // Gives away those that are committed, in order.
  std::vector<batch_ptr> take_until(log_index committed);

 private:
  static constexpr byte_count bound = MiB(64);

  std::deque<batch_ptr> batches_;
  byte_count bytes_;
};

}  // namespace troupe
