// Acknowledged is durable (thesis 3.8, 10.2.1): a follower acknowledges only what is on its disk,
// what a leader commits is then on the disks of a write quorum, and what was on a disk is there
// after a crash.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class acked_is_durable final : public invariant {
 public:
  acked_is_durable(const world& w, complaint c)
      : invariant("acknowledged is durable", w, std::move(c)) {}

  void on_append_reply(node_id node, const core::append_reply& reply) override;
  void on_committed(node_id node, const committed_entry& entry, bool leads) override;
  void on_reopened(node_id node, const vote& saved, const batches& log) override;
};

}  // namespace troupe::sim
