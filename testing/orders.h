// What operators may think of: changes of the membership, of its quorums, of who leads. Most of it
// makes sense for what they believe of the cluster, which may be out of date.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "actors/messages.h"
#include "testing/dice.h"
#include "testing/network.h"

namespace troupe::sim {

// What an operator believes.
struct outlook {
  core::vote_mode mode = core::vote_mode::advanced;
  std::vector<node_id> present;  // nodes that could take part
  core::membership members;
  log_id members_at;
  leader_id leader;
  std::set<node_id> lost;  // members that came back with another disk
};

struct order {
  admin_command command;
  bool senseless = false;  // must be refused, whatever the state of the cluster
};

// Any tree over these voters, at least one: majority, weighted, read and write split, zones, or
// thresholds at random. Not all of them pass quorum::check.
core::quorum any_quorum(dice& chance, const std::vector<node_id>& voters);
// One to seven of the nodes that are present vote.
std::vector<node_id> any_voters(dice& chance, const std::vector<node_id>& present);

order any_order(dice& chance, const outlook& o);
// Removes a member that lost its disk; without one in `lost`, gives back nothing.
std::optional<order> repair(const outlook& o);

std::string describe(const order& o);

}  // namespace troupe::sim
