#include "actors/core/founding.h"

#include <utility>

namespace troupe::core {

founding::founding(membership first, node_id self) : first_(std::move(first)), self_(self) {}

// Where there is a leader there is a cluster. Of the leader itself, the reply tells the log that it
// had when it was elected.
void founding::on_reply(const vote_reply& reply) {
  if (reply.led || reply.last.index > log_index(1))
    older_ = reply.from;
  else
    empty_.insert(reply.from);
}

founding::state founding::decide() const {
  if (older_) return state::waits;
  const auto may_have_acknowledged = [this](node_id id) { return !empty_.contains(id); };
  const bool nothing_committed = !first_.satisfied(quorum_kind::write, may_have_acknowledged);
  return nothing_committed || missing().empty() ? state::begins : state::asks;
}

std::set<node_id> founding::missing() const {
  std::set<node_id> others;
  for (const node_id id : first_.voters())
    if (id != self_ && !empty_.contains(id)) others.insert(id);
  return others;
}

}  // namespace troupe::core
