// What must hold of one node's protocol state, checked at every step, in release too. What must
// hold of a whole cluster is in testing/invariants.
#pragma once

#include "actors/core/vote_order.h"

namespace troupe::core {

// A saved vote never falls (thesis 3.4: a term never does, and a vote in it is given once).
void check_vote_step(const vote& before, const vote& after, vote_mode mode);

// A committed entry is never removed (thesis 3.6.3, leader completeness).
void check_truncation(log_index last_kept, log_index committed);

// A leader commits by counting only entries of its own leadership (thesis 3.6.2).
void check_commit(log_index before, log_index after, log_index first_own, log_index last);

}  // namespace troupe::core
