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

}  // namespace troupe::sim
