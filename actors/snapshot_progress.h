// How far a snapshot is on its way: being made, sent, received or restored.
#pragma once

#include <cstdint>

namespace troupe {

struct snapshot_progress {
  uint64_t bytes = 0;  // so far
  uint64_t size = 0;   // in all; of one that is being made, that of the one before, 0 for none

  explicit operator bool() const { return bytes != 0 || size != 0; }
  bool operator==(const snapshot_progress&) const = default;
};

}  // namespace troupe
