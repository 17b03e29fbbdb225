// Runs seeds, each in a child process, so that a failed assertion in one of them costs only that
// one and says which.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testing/simulation.h"

namespace troupe::sim {

struct runner_options {
  uint64_t first = 1;
  uint64_t seeds = 100;
  simulation_options each;
  bool verbose = false;
  bool stop_at_failure = true;
  double seconds = 1e9;  // begins no more seeds after this (real) time
};

struct failed_seed {
  uint64_t seed = 0;
  std::string why;
};

struct summary {
  uint64_t seeds = 0;
  double seconds = 0;
  report sum;  // of what counts
  std::vector<failed_seed> failed;
};

summary run_seeds(const runner_options& o);
// How to see one failure again.
std::string replay_command(const runner_options& o, uint64_t seed);
std::string to_string(const summary& s);

}  // namespace troupe::sim
