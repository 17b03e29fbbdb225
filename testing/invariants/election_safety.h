// Election safety (Raft figure 3; thesis 3.4): at most one leader in a term. In advanced mode
// leaders are ordered by (term, node), and each such id leads at most once: a node that forgot its
// vote would do it twice.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class election_safety final : public invariant {
 public:
  election_safety(const world& w, complaint c) : invariant("election safety", w, std::move(c)) {}

  void on_elected(node_id node, const vote& elected, const batches& log) override;

 private:
  std::map<term, std::set<node_id>> leaders_;
};

}  // namespace troupe::sim
