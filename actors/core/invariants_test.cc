#include "actors/core/invariants.h"

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

TEST(invariants_test, a_saved_vote_may_stay_or_rise_and_never_falls) {
  for (auto mode : both_modes) {
    check_vote_step({}, asked(1, 1), mode);
    check_vote_step(asked(1, 1), asked(1, 1), mode);
    check_vote_step(asked(1, 1), won(1, 1), mode);
    EXPECT_DEATH(check_vote_step(won(1, 1), asked(1, 1), mode), "never falls");
    EXPECT_DEATH(check_vote_step(asked(2, 1), won(1, 2), mode), "never falls");
  }
}

TEST(invariants_test, a_committed_entry_is_never_removed) {
  check_truncation(log_index(4), log_index(4));
  EXPECT_DEATH(check_truncation(log_index(3), log_index(4)), "never removed");
}

TEST(invariants_test, a_leader_commits_forward_from_its_own_first_entry_to_the_end_of_its_log) {
  check_commit(log_index(0), log_index(6), log_index(6), log_index(6));
  const auto commit = [](uint64_t before, uint64_t after) {
    check_commit(log_index(before), log_index(after), log_index(6), log_index(8));
  };
  EXPECT_DEATH(commit(7, 7), "never falls");
  EXPECT_DEATH(commit(0, 5), "only own entries");
  EXPECT_DEATH(commit(0, 9), "in the leader's log");
}

}  // namespace
}  // namespace troupe::core
