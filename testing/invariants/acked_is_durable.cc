#include "testing/invariants/acked_is_durable.h"

namespace troupe::sim {

void acked_is_durable::on_append_reply(node_id node, const core::append_reply& reply) {
  if (reply.verdict != core::verdict::matched || !reply.durable) return;
  require(world_.disks.at(node).ever_durable.contains(reply.durable), "n", node, " acknowledged ",
          reply.durable, ", which never was durable there");
}

void acked_is_durable::on_committed(node_id node, const committed_entry& entry, bool leads) {
  if (!leads) return;
  const auto durable = [&](node_id id) {
    return world_.holds_durably(world_.members, id, entry.id);
  };
  require(world_.members.satisfied(core::quorum_kind::write, durable), "n", node, " commits ",
          entry.id, ", which is not on the disks of a write quorum");
}

void acked_is_durable::on_reopened(node_id node, const vote&, const batches& log) {
  const disk& before = world_.disks.at(node);
  for (const auto& b : before.log) {
    if (before.durable < b->last_index()) break;
    const batch* found = find_in(log, b->last_index());
    if (found != nullptr && found->checksum() == b->checksum()) continue;
    require(before.rotten, "n", node, " lost ", b->last(), " in a crash, which was durable");
    require(b->last() <= before.promised, "n", node, " lost ", b->last(),
            " to damage, and does not know it");
  }
}

}  // namespace troupe::sim
