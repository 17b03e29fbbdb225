#include "actors/core/disjoint.h"

#include <algorithm>
#include <vector>

#include "proto/check.h"

namespace troupe::core {
namespace {

// Which of `weights` weigh from `least` to `most` together, by position; as little as possible.
std::optional<std::set<size_t>> choose(const std::vector<uint64_t>& weights, uint64_t least,
                                       uint64_t most) {
  const size_t nobody = weights.size();
  // For each sum the weight that first reached it: what is left without it was reached before, by
  // weights before it.
  std::vector<size_t> reached_by(most + 1, nobody);
  uint64_t total = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    total += weights[i];
    for (uint64_t sum = std::min(total, most); sum >= weights[i]; --sum) {
      const uint64_t rest = sum - weights[i];
      if (reached_by[sum] == nobody && (rest == 0 || reached_by[rest] != nobody))
        reached_by[sum] = i;
    }
  }
  uint64_t sum = least;
  while (sum != 0 && sum <= most && reached_by[sum] == nobody) ++sum;
  if (sum > most) return std::nullopt;
  std::set<size_t> chosen;
  for (; sum != 0; sum -= weights[reached_by[sum]]) chosen.insert(reached_by[sum]);
  return chosen;
}

std::set<node_id> voters_of(const quorum::child& child) {
  const auto* voter = std::get_if<node_id>(&child.kind);
  return voter ? std::set{*voter} : std::get<quorum>(child.kind).voters();
}

// A child whose own quorums may be disjoint counts on both sides, for that takes nothing away from
// the other children. Any other child counts on one side at most. So all that is left to decide is
// which of those go to the first side: their weight must suffice there, and the rest here.
std::optional<disjoint> split(const quorum& q, quorum_kind a, quorum_kind b) {
  disjoint found;
  std::vector<const quorum::child*> one_sided;
  std::vector<uint64_t> weights;
  uint64_t both = 0, total = 0;
  for (const auto& child : q.children()) {
    total += child.weight;
    const auto* group = std::get_if<quorum>(&child.kind);
    if (auto below = group ? split(*group, a, b) : std::nullopt) {
      both += child.weight;
      found.first.merge(below->first);
      found.second.merge(below->second);
    } else {
      one_sided.push_back(&child);
      weights.push_back(child.weight);
    }
  }
  const uint64_t least = q.threshold(a) - std::min(q.threshold(a), both);
  const uint64_t most = std::min(total - q.threshold(b), total - both);
  if (least > most) return std::nullopt;
  const auto chosen = choose(weights, least, most);
  if (!chosen) return std::nullopt;
  for (size_t i = 0; i < one_sided.size(); ++i)
    (chosen->contains(i) ? found.first : found.second).merge(voters_of(*one_sided[i]));
  return found;
}

// Takes out whom it can do without, from the greatest id down.
void shrink(const quorum& q, quorum_kind kind, std::set<node_id>& voters) {
  for (auto at = voters.end(); at != voters.begin();) {
    const node_id dropped = *--at;
    at = voters.erase(at);
    if (!q.satisfied(kind, [&voters](node_id id) { return voters.contains(id); }))
      at = voters.insert(dropped).first;
  }
}

}  // namespace

std::optional<disjoint> find_disjoint(const quorum& q, quorum_kind a, quorum_kind b) {
  TROUPE_CHECK(q.check_form().ok(), "only of a well-formed tree can be said whether quorums meet");
  auto found = split(q, a, b);
  if (!found) return std::nullopt;
  shrink(q, a, found->first);
  shrink(q, b, found->second);
  return found;
}

}  // namespace troupe::core
