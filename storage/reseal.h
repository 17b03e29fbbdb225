// A batch of one log as a batch of another one.
#pragma once

#include "proto/batch.h"

namespace troupe::storage {

// The same number of entries at the same indices, written by `leader` behind `previous`: commands
// as they are, all else blank. So commands keep their indices where what is not one no longer
// counts.
//
// Precondition: `old` begins right behind `previous`, whose leader is not above `leader`.
batch_ptr reseal(const batch& old, leader_id leader, const log_tail& previous);

}  // namespace troupe::storage
