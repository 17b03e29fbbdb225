// State machine safety (Raft figure 3; thesis 3.6.3): no two nodes apply different commands at one
// index, so the states behind one index are the same everywhere. What is applied is committed.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class state_machine_safety final : public invariant {
 public:
  state_machine_safety(const world& w, complaint c)
      : invariant("state machine safety", w, std::move(c)) {}

  void on_applied(node_id node, log_index index, uint64_t command, uint64_t state) override;
  void on_restored(node_id node, log_index last_command, uint64_t state) override;

 private:
  struct first {
    node_id node;
    uint64_t command, state;
  };
  std::map<log_index, first> applied_;
};

}  // namespace troupe::sim
