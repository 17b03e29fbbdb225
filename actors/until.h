// Conditions to wait for: raft::wait(until::applied_at_least(index), patience).
//
// Each is a plain function of the metrics; a lambda of the program's own does as well.
#pragma once

#include <set>

#include "actors/core/member_change.h"
#include "actors/observed.h"

namespace troupe::until {

// -- who leads ------------------------------------------------------------------------------------

inline condition leader_known() {
  return [](const metrics& m) { return static_cast<bool>(m.leader); };
}
inline condition current_leader(node_id id) {
  return [id](const metrics& m) { return m.leader.node == id; };
}
inline condition role(node_role wanted) {
  return [wanted](const metrics& m) { return m.life == node_life::running && m.role == wanted; };
}
inline condition vote(const troupe::vote& wanted) {
  return [wanted](const metrics& m) { return m.vote == wanted; };
}
// A leader heard from a write quorum at `since` or later.
inline condition quorum_acked(instant since) {
  return [since](const metrics& m) { return m.quorum_acked && *m.quorum_acked >= since; };
}

// -- who takes part, as soon as it is in force ----------------------------------------------------

// Its nodes and quorums; which data directories the leader has registered makes no difference.
inline condition members(const core::membership& wanted) {
  return [wanted](const metrics& m) { return core::reached(m.members, wanted); };
}
inline condition voters(std::set<node_id> wanted) {
  return [wanted = std::move(wanted)](const metrics& m) { return m.members.voters() == wanted; };
}

// This node leads, and `id` lacks at most `lag` entries of its log: after add_learners, for
// example, with the node's own config().limits.caught_up_within. Never where another node leads.
inline condition caught_up(node_id id, uint64_t lag) {
  return [id, lag](const metrics& m) {
    const auto peer = m.replication.find(id);
    return peer != m.replication.end() && peer->second.matched &&
           peer->second.matched.value + lag >= m.last.index.value;
  };
}

// -- how far the log is ---------------------------------------------------------------------------

inline condition last(log_index i) {
  return [i](const metrics& m) { return m.last.index == i; };
}
inline condition last_at_least(log_index i) {
  return [i](const metrics& m) { return m.last.index >= i; };
}
inline condition committed(log_index i) {
  return [i](const metrics& m) { return m.committed == i; };
}
inline condition committed_at_least(log_index i) {
  return [i](const metrics& m) { return m.committed >= i; };
}
// The leader has, and so will this node.
inline condition cluster_committed(log_index i) {
  return [i](const metrics& m) { return m.cluster_committed == i; };
}
inline condition cluster_committed_at_least(log_index i) {
  return [i](const metrics& m) { return m.cluster_committed >= i; };
}
inline condition applied(log_index i) {
  return [i](const metrics& m) { return m.applied == i; };
}
inline condition applied_at_least(log_index i) {
  return [i](const metrics& m) { return m.applied >= i; };
}
inline condition snapshot(log_index i) {
  return [i](const metrics& m) { return m.snapshot == i; };
}
inline condition snapshot_at_least(log_index i) {
  return [i](const metrics& m) { return m.snapshot >= i; };
}
inline condition purged(log_index i) {
  return [i](const metrics& m) { return m.purged == i; };
}
inline condition purged_at_least(log_index i) {
  return [i](const metrics& m) { return m.purged >= i; };
}

// -- life -----------------------------------------------------------------------------------------

// What is on the disk is known.
inline condition running() {
  return [](const metrics& m) { return m.life == node_life::running; };
}
inline condition recovered() {
  return [](const metrics& m) { return m.recovered(); };
}

}  // namespace troupe::until
