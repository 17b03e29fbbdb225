#include "actors/core/vote_order.h"

namespace troupe::core {

bool plausible(const vote& v) { return v.leader.in && v.leader.node && v.leader.in <= last_term; }

std::partial_ordering compare(const vote& a, const vote& b, vote_mode mode) {
  if (mode == vote_mode::advanced || a.leader.in != b.leader.in || a.leader.node == b.leader.node) {
    if (auto order = a.leader <=> b.leader; order != 0) return order;
    return a.committed <=> b.committed;
  }
  if (a.committed != b.committed) return a.committed <=> b.committed;
  return std::partial_ordering::unordered;
}

bool may_follow(const vote& mine, const vote& offered, vote_mode mode) {
  return compare(offered, mine, mode) >= 0;
}

bool exceeds(const vote& a, const vote& b, vote_mode mode) { return compare(a, b, mode) > 0; }

}  // namespace troupe::core
