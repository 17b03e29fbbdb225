// What a node is started with and keeps for its life; openraft's names where it has them.
#pragma once

#include "absl/status/status.h"
#include "actors/core/compaction.h"
#include "actors/core/timing.h"
#include "actors/core/vote_order.h"
#include "actors/leader.h"

namespace troupe {

struct node_config {
  core::timing timing;
  core::vote_mode mode = core::vote_mode::advanced;
  leader_limits limits;
  core::compaction compaction;  // of log and snapshots, where the node has a place for them
  bool elections = true;        // stands for election by itself; switched by raft::enable_elections
  bool heartbeats = true;       // sends them while it leads; switched by raft::enable_heartbeats
  bool leader_restore = true;   // see server_options
  byte_count scrub =
      MiB(1);  // of the log that are checked in a second, slowly and for ever; 0: none
};

// Whether a node can live with it. kInvalidArgument otherwise, "NAME: why" in one line, where NAME
// is that of the first field that is wrong; //tools:node has flags of the same names.
absl::Status check(const node_config& config);

}  // namespace troupe
