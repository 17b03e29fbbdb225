#include "testing/invariants/election_safety.h"

namespace troupe::sim {

void election_safety::on_elected(node_id node, const vote& elected, const batches& log) {
  require(elected.committed && elected.leader.node == node, "n", node, " leads under ", elected);
  auto& leaders = leaders_[elected.leader.in];
  // Who is alone may lead on after a restart.
  const bool alone = members_in(log).nodes().size() == 1;
  require(leaders.insert(node).second || alone, "n", node, " leads twice with ", elected);
  require(world_.mode == core::vote_mode::advanced || leaders.size() == 1, "two leaders in term ",
          elected.leader.in, ", n", *leaders.begin(), " and n", *leaders.rbegin());
}

}  // namespace troupe::sim
