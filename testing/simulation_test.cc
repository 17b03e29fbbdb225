// Whole clusters of the real actors, seed by seed. A failure prints how to replay its seed.
#include <gtest/gtest.h>

#include "proto/trace.h"
#include "testing/runner.h"

namespace troupe::sim {
namespace {

// Under a sanitizer the time comes first.
constexpr double most_seconds = 60;

void expect_no_failure(uint64_t nodes, uint64_t seeds) {
  runner_options o;
  o.seeds = seeds;
  o.each.nodes = nodes;
  o.seconds = most_seconds;
  const auto s = run_seeds(o);
  std::printf("%s\n", to_string(s).c_str());
  for (const auto& f : s.failed)
    ADD_FAILURE() << f.why << "\nreplay: " << replay_command(o, f.seed);
  // A cluster that never does anything breaks no rule.
  EXPECT_GT(s.sum.ok_writes, 20 * s.seeds);
  EXPECT_GT(s.sum.ok_reads, 20 * s.seeds);
  EXPECT_GT(s.sum.elections, s.seeds);
}

TEST(simulation_test, three_nodes_keep_every_invariant_under_faults) { expect_no_failure(3, 600); }

TEST(simulation_test, five_nodes_keep_every_invariant_under_faults) { expect_no_failure(5, 400); }

TEST(simulation_test, the_same_seed_gives_the_same_trace) {
  trace::verbosity = -1;
  uint64_t last = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto once = simulate(seed), again = simulate(seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
    EXPECT_EQ(once.steps, again.steps) << "seed " << seed;
    EXPECT_NE(once.trace, last) << "seed " << seed << " is like the one before";
    last = once.trace;
  }
}

}  // namespace
}  // namespace troupe::sim
