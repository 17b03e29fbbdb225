// A directed graph of links between a few nodes: who can send to whom.
#pragma once

#include <bit>
#include <cstdint>
#include <ostream>

namespace troupe::core {

class link_graph {
 public:
  // `links` has a bit for each ordered pair of different nodes 1..nodes: 6 for 3 nodes, 20 for 5.
  constexpr link_graph(uint64_t nodes, uint64_t links) : nodes_(nodes), links_(links) {}

  static constexpr uint64_t pairs(uint64_t nodes) { return nodes * (nodes - 1); }
  // All links between the nodes of `set`: bit 0 is node 1.
  static constexpr uint64_t among(uint64_t nodes, uint64_t set) {
    uint64_t links = 0;
    for (uint64_t from = 1; from <= nodes; ++from)
      for (uint64_t to = 1; to <= nodes; ++to)
        if (from != to && (set >> (from - 1) & 1) != 0 && (set >> (to - 1) & 1) != 0)
          links |= uint64_t{1} << pair(nodes, from, to);
    return links;
  }

  constexpr uint64_t nodes() const { return nodes_; }
  constexpr bool has(uint64_t from, uint64_t to) const {
    return from == to || (links_ >> pair(nodes_, from, to) & 1) != 0;
  }

  // Whether some majority of the nodes is linked in both directions, each with each: there, whoever
  // has the best log can lead.
  constexpr bool has_connected_majority() const {
    for (uint64_t set = 0; set < uint64_t{1} << nodes_; ++set)
      if (2 * std::popcount(set) > static_cast<int>(nodes_) && (among(nodes_, set) & ~links_) == 0)
        return true;
    return false;
  }

  friend std::ostream& operator<<(std::ostream& out, const link_graph& g) {
    for (uint64_t from = 1; from <= g.nodes_; ++from)
      for (uint64_t to = 1; to <= g.nodes_; ++to)
        if (from != to && g.has(from, to)) out << from << "→" << to << ' ';
    return out;
  }

 private:
  static constexpr uint64_t pair(uint64_t nodes, uint64_t from, uint64_t to) {
    return (from - 1) * (nodes - 1) + (to < from ? to - 1 : to - 2);
  }

  uint64_t nodes_;
  uint64_t links_;
};

}  // namespace troupe::core
