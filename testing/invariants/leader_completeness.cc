#include "testing/invariants/leader_completeness.h"

namespace troupe::sim {

void leader_completeness::on_elected(node_id node, const vote& elected, const batches& log) {
  for (const auto& entry : world_.committed) {
    if (!(entry.by < elected.leader)) continue;  // committed meanwhile, by a later leader
    const batch* b = find_in(log, entry.id.index);
    require(b != nullptr && b->checksum() == entry.checksum, "n", node, ", elected with ", elected,
            ", lacks ", entry.id, ", which ", entry.by, " committed");
  }
}

}  // namespace troupe::sim
