#include "testing/invariants/committed_immutable.h"

namespace troupe::sim {

void committed_immutable::on_committed(node_id node, const committed_entry& entry, bool leads) {
  const auto* first = world_.committed_at(entry.id.index);
  require(first != nullptr || leads, "n", node, " follows and heard that ", entry.id,
          " is committed, before any leader committed it");
  require(first == nullptr || (first->id == entry.id && first->checksum == entry.checksum), "n",
          node, " holds ", entry.id, " committed, but another entry was committed there");
}

void committed_immutable::on_truncated(node_id node, log_index last_kept) {
  for (const auto& b : world_.disks.at(node).log) {
    if (b->last_index() <= last_kept) continue;
    const auto* entry = world_.committed_at(b->last_index());
    require(entry == nullptr || entry->checksum != b->checksum(), "n", node, " removes ", b->last(),
            ", which is committed");
  }
}

}  // namespace troupe::sim
