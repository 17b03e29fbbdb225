// Whole clusters of the real actors, seed by seed. A failure prints how to replay its seed.
#include <gtest/gtest.h>

#include "proto/trace.h"
#include "testing/runner.h"

namespace troupe::sim {
namespace {

// `most_seconds`: under a sanitizer the time comes first.
summary expect_no_failure(uint64_t nodes, uint64_t seeds, double most_seconds,
                          bool machines_on_disk = false) {
  runner_options o;
  o.each.machines_on_disk = machines_on_disk;
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
  return s;
}

TEST(simulation_test, three_nodes_keep_every_invariant_under_faults) {
  expect_no_failure(3, 400, 50);
}

TEST(simulation_test, five_nodes_keep_every_invariant_under_faults) {
  expect_no_failure(5, 200, 50);
}

// Everything at once: operators change the membership, disks are lost, clocks run wrong.
TEST(simulation_test, one_to_eight_nodes_come_and_go_and_keep_every_invariant) {
  const auto s = expect_no_failure(0, 1400, 150);
  EXPECT_GT(s.sum.changes, s.seeds);
  EXPECT_GT(s.sum.transfers, s.seeds / 4);
  EXPECT_GT(s.sum.wipes, s.seeds / 2);
  EXPECT_GT(s.sum.rots, s.seeds / 2);
  EXPECT_GT(s.sum.regained, s.seeds / 10);
  EXPECT_LE(s.sum.given_up, s.seeds / 100);
}

// After a crash a machine is what it was at some moment before.
TEST(simulation_test, machines_that_keep_their_state_over_restarts_keep_every_invariant) {
  expect_no_failure(0, 400, 50, /*machines_on_disk=*/true);
}

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
