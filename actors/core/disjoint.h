// Two quorums that share no voter: why a tree is not safe, in the smallest words.
//
// Flexible Paxos (arXiv 1608.06696) asks that every election meets every commit. Where it does not,
// these two sets are the proof.
#pragma once

#include <optional>
#include <set>

#include "actors/core/quorum.h"
#include "proto/ids.h"

namespace troupe::core {

// Without any one of its voters neither set is a quorum any more.
struct disjoint {
  std::set<node_id> first;
  std::set<node_id> second;

  bool operator==(const disjoint&) const = default;
};

// A quorum of kind `a` and one of kind `b` without a common voter; nothing if and only if they all
// meet. The tree must be well-formed (quorum::check_form). Takes children × total weight steps for
// each group: microseconds for usual trees, tens of milliseconds at the bounds.
std::optional<disjoint> find_disjoint(const quorum& q, quorum_kind a, quorum_kind b);

}  // namespace troupe::core
