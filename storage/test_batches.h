// Batches for tests of storage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/batch.h"

namespace troupe::storage {

inline leader_id leader_of(uint64_t in, uint64_t node = 1) { return {term(in), node_id(node)}; }

// One batch after `tail`: `count` entries of `bytes` bytes each, all different from those of any
// other batch at another index or of another leader.
inline batch_ptr batch_after(const log_tail& tail, leader_id leader, uint32_t count = 1,
                             size_t bytes = 20) {
  batch_builder builder;
  for (uint32_t i = 0; i < count; ++i) {
    std::string entry = "entry " + std::to_string(tail.last.index.value + i + 1) + " of term " +
                        std::to_string(leader.in.value) + " ";
    entry.resize(bytes, '.');
    builder.add(entry);
  }
  return builder.seal(batch_kind::commands, leader, tail);
}

// `number` batches in a row.
inline std::vector<batch_ptr> batches_after(log_tail tail, leader_id leader, size_t number,
                                            uint32_t count = 1, size_t bytes = 20) {
  std::vector<batch_ptr> made;
  for (size_t i = 0; i < number; ++i) {
    made.push_back(batch_after(tail, leader, count, bytes));
    tail = made.back()->tail();
  }
  return made;
}

}  // namespace troupe::storage
