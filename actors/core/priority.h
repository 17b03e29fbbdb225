// A hint which nodes should lead rather than others: those with a lower priority stand for election
// a little later.
//
// It decays, so that it costs no more than a moment where the preferred nodes are gone, cut off or
// cannot win. Any delay is safe, for it only chooses when a node stands.
#pragma once

#include <cstdint>

#include "actors/core/timing.h"

namespace troupe::core {

// What to add to the election timer of a node with priority `own`, where `greatest` is that of the
// most preferred voter and `failed` the number of this node's candidacies since a leader was heard
// of. At most one election_timeout_max, half of it after the first failure, a quarter after the
// second, nothing from the third on; in between in proportion to what is missing, so that of
// several the most preferred comes first.
constexpr duration priority_delay(uint32_t own, uint32_t greatest, uint64_t failed,
                                  const timing& t) {
  if (own >= greatest || failed >= 3) return duration::zero();
  const auto missing = static_cast<double>(greatest - own) / greatest;
  const auto most = static_cast<double>((t.election_timeout_max / (1 << failed)).count());
  return duration(static_cast<duration::rep>(most * missing));
}

}  // namespace troupe::core
