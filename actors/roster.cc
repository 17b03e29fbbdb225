#include "actors/roster.h"

#include <algorithm>

#include "actors/membership_codec.h"

namespace troupe {

roster::roster(const std::vector<std::pair<log_id, core::membership>>& in_log) : roster() {
  in_force_.insert(in_force_.end(), in_log.begin(), in_log.end());
}

void roster::adopt(const log_id& at, const core::membership& members) {
  if (this->at() < at) in_force_.emplace_back(at, members);
}

const std::pair<log_id, core::membership>& roster::newest_up_to(log_index index) const {
  return *std::ranges::find_if(in_force_.rbegin(), std::prev(in_force_.rend()),
                               [&](const auto& one) { return one.first.index <= index; });
}

bool roster::was_alone(node_id id, leader_id leader) const {
  for (auto it = in_force_.rbegin(); it != in_force_.rend(); ++it) {
    const auto& [at, members] = *it;
    if (members.nodes().size() != 1 || !members.is_voter(id)) return false;
    // In force when that leadership began.
    if (at.leader != leader) return true;
  }
  return false;
}

bool roster::may_stand(node_id id, log_index committed) const {
  for (size_t i = in_force_.size(); i-- > 0;) {
    const auto& [at, members] = in_force_[i];
    if (members.is_voter(id)) return true;
    if (at.index <= committed) return false;
  }
  return false;
}

bool roster::names(node_id id, uint64_t incarnation) const {
  return std::ranges::any_of(
      in_force_, [&](const auto& at) { return at.second.incarnation_of(id) == incarnation; });
}

void roster::note(const core::accepted_append& decision) {
  if (decision.truncate_after)
    while (at().index > *decision.truncate_after) in_force_.pop_back();
  for (const auto& b : decision.batches) {
    if (b->kind() != batch_kind::membership) continue;
    // The log store refuses the batch, and ends the node, where this fails.
    if (auto members = decode_membership(*b->entries().begin()))
      in_force_.emplace_back(b->last(), std::move(*members));
  }
}

}  // namespace troupe
