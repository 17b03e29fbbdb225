// Committed entries stay (thesis 3.6.3): whoever holds an index committed holds the same entry, and
// no disk that has it ever removes it.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class committed_immutable final : public invariant {
 public:
  committed_immutable(const world& w, complaint c)
      : invariant("committed is immutable", w, std::move(c)) {}

  void on_committed(node_id node, const committed_entry& entry, bool leads) override;
  void on_truncated(node_id node, log_index last_kept) override;
};

}  // namespace troupe::sim
