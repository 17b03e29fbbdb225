#include "testing/invariants/elected_by_quorum.h"

#include <algorithm>

namespace troupe::sim {

void elected_by_quorum::on_vote_reply(node_id node, const core::vote_reply& reply) {
  if (reply.granted) granted_[reply.saved.leader][node].insert(reply.incarnation);
}

void elected_by_quorum::on_elected(node_id node, const vote& elected, const batches& log) {
  const auto members = members_in(log);
  if (members.empty()) return;  // it is not in this part of the log
  const auto& granted = granted_[elected.leader];
  const auto counts = [&](node_id id) {
    if (id == node) return true;
    const auto it = granted.find(id);
    return it != granted.end() && std::ranges::any_of(it->second, [&](uint64_t incarnation) {
             return members.admits(id, incarnation);
           });
  };
  require(members.satisfied(core::quorum_kind::read, counts), "n", node, " leads under ", elected,
          " without the votes of an election quorum of ", members);
}

}  // namespace troupe::sim
