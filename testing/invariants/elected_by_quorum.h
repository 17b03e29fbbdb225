// A leader's vote was granted by an election quorum of the membership in its log (thesis 3.4, 4.3),
// and by nobody whom that membership knows with another disk: who lost its disk forgot what it
// promised.
#pragma once

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class elected_by_quorum final : public invariant {
 public:
  elected_by_quorum(const world& w, complaint c)
      : invariant("elected by a quorum", w, std::move(c)) {}

  void on_vote_reply(node_id node, const core::vote_reply& reply) override;
  void on_elected(node_id node, const vote& elected, const batches& log) override;

 private:
  // By the vote that was asked for: who granted it, and with which disk.
  std::map<leader_id, std::map<node_id, std::set<uint64_t>>> granted_;
};

}  // namespace troupe::sim
