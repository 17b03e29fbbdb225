#include "actors/core/founding.h"

#include <utility>

namespace troupe::core {

founding::founding(membership first, node_id self) : first_(std::move(first)), empty_{self} {}

void founding::on_reply(node_id from, const log_id& last) {
  if (last.index > log_index(1))
    older_ = from;
  else
    empty_.insert(from);
}

founding::state founding::decide() const {
  if (older_) return state::waits;
  const auto empty = [this](node_id id) { return empty_.contains(id); };
  return first_.satisfied(quorum_kind::read, empty) ? state::begins : state::asks;
}

}  // namespace troupe::core
