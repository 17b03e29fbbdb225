// Which disks a cluster can lose: the rules by which the simulation takes them away, so that
// everything that is promised must still hold.
#pragma once

#include <set>
#include <vector>

#include "testing/cluster.h"
#include "testing/judge.h"

namespace troupe::sim {

// Members, and nodes that are to become members, whose disk is not the one that the cluster knows.
std::set<node_id> lost_members(const world& w, const core::membership& m);

// Whether the loss of this node's disk is like its death, and not the death of the cluster: without
// it and all that were lost before, the others are a quorum of every membership that may be in
// force, and know which disk it had. Before they know that, in the first moments of a cluster, a
// node that forgot everything cannot be told from one that is new.
bool can_lose(const cluster& c, const world& w, node_id id);

// Whether this batch can be spoilt on that disk: it has another copy, and the node knows whom to
// ask.
bool can_spoil(const world& w, node_id id, const batch& b);

// Whether this node's snapshot can be spoilt: another member can come as far as its log begins.
bool can_spoil_state(const world& w, node_id id);

// False when a membership came to need a disk that was just being lost, and no quorum is left that
// has any log: no leader can be elected any more, and none should be.
bool can_recover(const cluster& c, const world& w);

}  // namespace troupe::sim
