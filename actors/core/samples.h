// Short ways to write down the values that the tests of this folder are about.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/core/log_view.h"
#include "actors/core/membership.h"
#include "proto/batch.h"
#include "proto/ids.h"

namespace troupe::core {

constexpr vote_mode both_modes[] = {vote_mode::advanced, vote_mode::standard};

constexpr duration ms(int64_t n) { return std::chrono::milliseconds(n); }
constexpr instant time_zero{duration(std::chrono::hours(1))};

constexpr leader_id led_by(uint64_t in, uint64_t node = 1) { return {term(in), node_id(node)}; }
constexpr log_id at(leader_id leader, uint64_t index) { return {leader, log_index(index)}; }
constexpr vote asked(uint64_t in, uint64_t node) { return {led_by(in, node), false}; }
constexpr vote won(uint64_t in, uint64_t node) { return {led_by(in, node), true}; }

// Each leader with the last index that it wrote.
inline log_view log_of(const std::vector<std::pair<leader_id, uint64_t>>& runs) {
  log_view log;
  for (const auto& [leader, last] : runs) log.append(leader, log_index(last));
  return log;
}

inline batch_ptr batch_of(leader_id leader, uint64_t first, uint64_t last) {
  batch_builder builder;
  for (uint64_t i = first; i <= last; ++i) builder.add("x");
  return builder.seal(batch_kind::commands, leader, {at(leader, first - 1), 0});
}

inline std::map<node_id, std::string> addresses_of(uint64_t nodes) {
  std::map<node_id, std::string> addresses;
  for (uint64_t i = 1; i <= nodes; ++i) addresses[node_id(i)] = "host:" + std::to_string(i);
  return addresses;
}

// A majority of the nodes 1..n.
inline membership majority_of(uint64_t nodes) {
  return membership::of_majority(addresses_of(nodes));
}

}  // namespace troupe::core
