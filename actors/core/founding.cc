#include "actors/core/founding.h"

#include <utility>

namespace troupe::core {

founding::founding(membership first, node_id self)
    : first_(std::move(first)), missing_(first_.voters()) {
  missing_.erase(self);
}

// Where there is a leader there is a cluster. Of the leader itself, the reply tells the log that it
// had when it was elected.
void founding::on_reply(const vote_reply& reply) {
  if (reply.led || reply.last.index > log_index(1))
    older_ = reply.from;
  else
    missing_.erase(reply.from);
}

founding::state founding::decide() const {
  if (older_) return state::waits;
  return missing_.empty() ? state::begins : state::asks;
}

}  // namespace troupe::core
