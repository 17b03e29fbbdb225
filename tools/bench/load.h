// Closed-loop clients: each has one batch of writes outstanding and sends the next when all of it
// was applied. The clients are state, not threads; their callbacks run where the answers arrive.
#pragma once

#include <cstdint>
#include <vector>

#include "actors/raft.h"

namespace troupe::bench {

struct work {
  uint64_t operations = 0;
  size_t clients = 1;
  size_t batch = 1;  // writes that a client has outstanding
  size_t value_bytes = 0;
};

struct measured {
  double seconds = 0;
  double cpu_seconds = 0;  // user and system, of the whole process
  uint64_t operations = 0;
  uint64_t failures = 0;
  // One latency for each client batch, sorted, in nanoseconds.
  std::vector<uint64_t> latencies;

  uint64_t percentile(double p) const;
};

// Runs the work against the node that leads.
measured run(raft& leader, const work& w);

}  // namespace troupe::bench
