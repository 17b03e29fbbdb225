// The order of votes: what a node may promise next.
#pragma once

#include <compare>

#include "proto/ids.h"

namespace troupe::core {

enum class vote_mode {
  // Leader ids are ordered by (term, node): within one term a greater node id may take over a vote
  // that is not committed, so fewer elections split (openraft's leader_id_adv).
  advanced,
  // One leader in a term, as in the Raft paper: votes of one term for different nodes do not
  // compare, unless just one of them is committed.
  standard,
};

// The greatest term that is believed. A peer may send any number; to follow one above this would
// bring candidates to where terms wrap around.
constexpr term last_term(uint64_t{1} << 63);

// False for what no node can have asked for: a vote of no term, of no node, or beyond last_term.
bool plausible(const vote& v);

std::partial_ordering compare(const vote& a, const vote& b, vote_mode mode);

// True when a node that saved `mine` may follow `offered`: offered ≥ mine.
bool may_follow(const vote& mine, const vote& offered, vote_mode mode);

// True when `a` is strictly greater.
bool exceeds(const vote& a, const vote& b, vote_mode mode);

}  // namespace troupe::core
