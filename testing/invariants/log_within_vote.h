// A disk has no entry of a later leader than its saved vote, over restarts too (openraft's order of
// writes: the vote first). Otherwise a node could follow a leader, forget it, and elect one that it
// promised not to.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class log_within_vote final : public invariant {
 public:
  log_within_vote(const world& w, complaint c) : invariant("log within vote", w, std::move(c)) {}

  void on_appended(node_id node, const batch& b) override;
  void on_reopened(node_id node, const vote& found, const batches& log) override;

 private:
  void check(node_id node, const vote& saved, const batch& last);
};

}  // namespace troupe::sim
