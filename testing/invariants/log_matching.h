// Log matching (Raft figure 3; thesis 3.5): where two logs have an entry of the same leader at the
// same index, they are the same up to there.
//
// A batch's checksum covers that of the batch before it. So it is enough that all batches with one
// leader and index are the same, and that each log is such a chain.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class log_matching final : public invariant {
 public:
  log_matching(const world& w, complaint c) : invariant("log matching", w, std::move(c)) {}

  void on_appended(node_id node, const batch& b) override;
};

}  // namespace troupe::sim
