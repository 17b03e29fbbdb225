#include "testing/invariants/state_machine_safety.h"

namespace troupe::sim {

void state_machine_safety::on_applied(node_id node, log_index index, uint64_t command,
                                      uint64_t state) {
  require(world_.committed_at(index) != nullptr, "n", node, " applies ", index,
          ", which is not committed");
  const auto [it, added] = applied_.try_emplace(index, first{node, command, state});
  if (added) return;
  const first& before = it->second;
  require(before.command == command, "n", node, " applies command ", command, " at ", index, ", n",
          before.node, " applied ", before.command);
  require(before.state == state, "n", node, " has another state than n", before.node, " after ",
          index);
}

// Scenario 64: what comes behind a snapshot is applied to the state that it had.
void state_machine_safety::on_restored(node_id node, log_index last_command, uint64_t state) {
  const auto it = applied_.find(last_command);
  if (it == applied_.end())
    require(!last_command, "n", node, " restores a state after ", last_command,
            ", which nobody applied");
  else
    require(it->second.state == state, "n", node, " restores another state than n", it->second.node,
            " had after ", last_command);
}

}  // namespace troupe::sim
