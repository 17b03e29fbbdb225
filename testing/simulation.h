// One seed: a cluster of the real actors under a schedule and faults of its choice, until all is
// well again and the nodes must agree.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::sim {

struct simulation_options {
  uint64_t nodes = 0;  // 3 or 5, who stay; 0: the seed chooses, and operators change them
  bool machines_on_disk = false;  // they keep their state over restarts
  // Judge by the harm alone: what is in logs, on machines and in answers, and not by whether each
  // promise was kept on the way. To see that the schedules are harsh enough (mutation_test).
  bool harm_only = false;
};

struct report {
  std::string failure;  // empty: all held
  std::string scenario;
  uint64_t trace = 0;  // a hash over every step; the same for the same seed
  uint64_t steps = 0;
  uint64_t virtual_ms = 0;
  uint64_t operations = 0, ok_writes = 0, ok_reads = 0, refused = 0, unknown = 0;
  uint64_t committed = 0;  // entries
  uint64_t elections = 0, crashes = 0;
  uint64_t changes = 0, transfers = 0;  // that operators were told are done
  uint64_t wipes = 0;
  uint64_t rots = 0;
  uint64_t installs = 0;  // of snapshots
  uint64_t regained = 0;  // states, whose snapshots were damaged
  uint64_t given_up = 0;  // the membership came to need a disk that was lost at that moment
};

report simulate(uint64_t seed, const simulation_options& o = {});

}  // namespace troupe::sim
