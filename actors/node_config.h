// What a node was started with and keeps for its life; openraft's names where it has them.
#pragma once

#include "actors/core/timing.h"
#include "actors/core/vote_order.h"
#include "actors/leader.h"

namespace troupe {

struct node_config {
  core::timing timing;
  core::vote_mode mode = core::vote_mode::advanced;
  leader_limits limits;
  bool elections = true;   // at the start, and so are
  bool heartbeats = true;  // these
  bool leader_restore = true;
};

}  // namespace troupe
