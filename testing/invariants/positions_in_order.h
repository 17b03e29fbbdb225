// applied ≤ committed ≤ last on every node (openraft's order of log positions). Once there are
// snapshots and purges: purged ≤ snapshot ≤ applied as well.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class positions_in_order final : public invariant {
 public:
  positions_in_order(const world& w, complaint c)
      : invariant("positions in order", w, std::move(c)) {}

  void on_position(node_id node, const position& p) override;
};

}  // namespace troupe::sim
