// What quorum trees mean, by brute force over all sets of voters: the twin that tests compare with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "actors/core/quorum.h"

namespace troupe::core {

// A set of voters: bit i stands for node i + 1.
using node_mask = unsigned;

inline bool in_mask(node_mask mask, node_id id) { return mask >> (id.value - 1) & 1; }

inline bool naive_satisfied(const quorum& tree, quorum_kind kind, node_mask mask) {
  uint64_t sum = 0;
  for (const auto& c : tree.children()) {
    const bool counts = std::holds_alternative<node_id>(c.kind)
                            ? in_mask(mask, std::get<node_id>(c.kind))
                            : naive_satisfied(std::get<quorum>(c.kind), kind, mask);
    if (counts) sum += c.weight;
  }
  return sum >= (kind == quorum_kind::read ? tree.read_threshold() : tree.write_threshold());
}

// Of every set of the voters 1..n, whether it is a quorum.
struct quorum_twin {
  std::vector<bool> reads;
  std::vector<bool> writes;

  const std::vector<bool>& of(quorum_kind kind) const {
    return kind == quorum_kind::read ? reads : writes;
  }
};

inline quorum_twin twin_of(const quorum& tree, int nodes) {
  quorum_twin twin;
  for (node_mask mask = 0; mask < 1u << nodes; ++mask) {
    twin.reads.push_back(naive_satisfied(tree, quorum_kind::read, mask));
    twin.writes.push_back(naive_satisfied(tree, quorum_kind::write, mask));
  }
  return twin;
}

// True when every set of `some` has a voter in common with every set of `others`.
inline bool meet(const std::vector<bool>& some, const std::vector<bool>& others) {
  for (node_mask a = 0; a < some.size(); ++a)
    for (node_mask b = 0; some[a] && b < others.size(); ++b)
      if (others[b] && (a & b) == 0) return false;
  return true;
}

inline bool meet(const quorum_twin& twin, vote_mode mode) {
  return meet(twin.reads, twin.writes) &&
         (mode == vote_mode::advanced || meet(twin.reads, twin.reads));
}

// By the definition, from the quorums: the greatest v such that those with values ≥ v are one.
inline uint64_t naive_held_by(const std::vector<bool>& quorums,
                              const std::vector<uint64_t>& values) {
  uint64_t greatest = 0;
  for (uint64_t v : values) {
    node_mask mask = 0;
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i] >= v) mask |= 1u << i;
    if (quorums[mask]) greatest = std::max(greatest, v);
  }
  return greatest;
}

}  // namespace troupe::core
