// The memberships in a node's log. The last one is in force, committed or not (thesis 4.1); the
// others matter when it is truncated away.
#pragma once

#include <utility>
#include <vector>

#include "actors/core/acceptor.h"
#include "actors/core/membership.h"

namespace troupe {

class roster {
 public:
  roster() : in_force_(1) {}
  // Oldest first, as the log store tells.
  explicit roster(const std::vector<std::pair<log_id, core::membership>>& in_log);

  // Follows what a decision adds to the log and removes from it.
  void note(const core::accepted_append& decision);

  // What a leader of this node wrote.
  void adopt(const log_id& at, const core::membership& members);

  // Whether the node votes, or did before memberships that are not known to be committed: then it
  // may be the only one with those entries, and is needed as a candidate although it does not count
  // (thesis 4.2.2). There can be several: a change that is cancelled leaves two.
  bool may_stand(node_id id, log_index committed) const;

  // Whether the node takes part with this data directory, or did: what it promised it has not
  // forgotten.
  bool names(node_id id, uint64_t incarnation) const;

  // Empty while there is none.
  const core::membership& members() const { return in_force_.back().second; }
  const log_id& at() const { return in_force_.back().first; }
  // The last one that stands in the log at `index` or before it; an empty one if there is none.
  const std::pair<log_id, core::membership>& newest_up_to(log_index index) const;
  // Whether `id` was the only member, learners counted, all the time that `leader` led.
  bool was_alone(node_id id, leader_id leader) const;

 private:
  std::vector<std::pair<log_id, core::membership>> in_force_;  // behind an empty one that stays
};

}  // namespace troupe
