// A saved vote never falls, over restarts too, and what a node promised to another is on its disk
// (thesis 3.4, 3.8): otherwise it could vote twice.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class vote_never_falls final : public invariant {
 public:
  vote_never_falls(const world& w, complaint c) : invariant("vote never falls", w, std::move(c)) {}

  void on_vote_saved(node_id node, const vote& saved) override;
  void on_reopened(node_id node, const vote& found, const batches&) override;
  void on_vote_reply(node_id node, const core::vote_reply& reply) override;
};

}  // namespace troupe::sim
