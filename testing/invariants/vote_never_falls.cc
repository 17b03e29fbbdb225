#include "testing/invariants/vote_never_falls.h"

namespace troupe::sim {

void vote_never_falls::on_vote_saved(node_id node, const vote& saved) {
  const vote& before = world_.disks.at(node).saved;
  require(core::may_follow(before, saved, world_.mode), "n", node, " saves ", saved, " after ",
          before);
}

void vote_never_falls::on_reopened(node_id node, const vote& found, const batches&) {
  const disk& before = world_.disks.at(node);
  require(found == before.saved || (before.in_doubt && found == *before.in_doubt), "n", node,
          " saved ", before.saved, " and found ", found, " after a crash");
}

void vote_never_falls::on_vote_reply(node_id node, const core::vote_reply& reply) {
  if (!reply.granted) return;
  const vote& saved = world_.disks.at(node).saved;
  require(core::may_follow(reply.saved, saved, world_.mode), "n", node, " granted ", reply.saved,
          " and has ", saved, " on its disk");
}

}  // namespace troupe::sim
