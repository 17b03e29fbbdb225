// Leader completeness (Raft figure 3; thesis 3.6.3): what one leadership committed is in the log of
// every later leader when its leadership begins.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class leader_completeness final : public invariant {
 public:
  leader_completeness(const world& w, complaint c)
      : invariant("leader completeness", w, std::move(c)) {}

  void on_elected(node_id node, const vote& elected, const batches& log) override;
};

}  // namespace troupe::sim
