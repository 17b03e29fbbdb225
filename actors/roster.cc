#include "actors/roster.h"

#include "actors/membership_codec.h"

namespace troupe {

roster::roster(const std::vector<std::pair<log_id, core::membership>>& in_log) : roster() {
  in_force_.insert(in_force_.end(), in_log.begin(), in_log.end());
}

void roster::adopt(const log_id& at, const core::membership& members) {
  if (this->at() < at) in_force_.emplace_back(at, members);
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
