#include "actors/core/invariants.h"

#include "proto/check.h"

namespace troupe::core {

void check_vote_step(const vote& before, const vote& after, vote_mode mode) {
  TROUPE_CHECK(may_follow(before, after, mode), "a saved vote never falls");
}

void check_truncation(log_index last_kept, log_index committed) {
  TROUPE_CHECK(last_kept >= committed, "a committed entry is never removed");
}

void check_commit(log_index before, log_index after, log_index first_own, log_index last) {
  TROUPE_CHECK(after > before, "the committed index never falls");
  TROUPE_CHECK(after >= first_own, "only own entries are committed by counting");
  TROUPE_CHECK(after <= last, "what is committed is in the leader's log");
}

}  // namespace troupe::core
