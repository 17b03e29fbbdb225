// The snapshot_fetcher actor: brings this node a snapshot from any member, whoever leads, for a
// machine whose state damage took. What was committed is the same everywhere, so it does not matter
// from whom.
//
// It asks one member after the other for its newest, and who has none that goes far enough to make
// one. One piece is under way at a time. It answers, and ends, when the sink has kept one, or
// nobody has any.
#pragma once

#include <utility>
#include <vector>

#include "actors/alarm.h"
#include "actors/core/pace.h"
#include "actors/core/timing.h"
#include "actors/interfaces.h"

namespace troupe {

struct fetcher_options {
  uint64_t cluster = 0;  // that it must be of
  log_index least;       // one that ends before this entry is of no use,
  leader_id greatest;    // nor one that a greater leader wrote: the vote must be saved before
  core::timing timing;
  std::vector<std::pair<node_id, peer_actor>> members;  // the last is asked first
  snapshot_sink_actor sink;
  byte_count rate;  // bytes a second; 0: as fast as the path
};

struct snapshot_fetcher_state {
  static inline const char* name = "snapshot_fetcher";

  fetcher_options options;
  node_id from;  // who is asked now,
  peer_actor link;
  snapshot_name what;   // for this one; empty: for its newest
  duration patience{};  // for a piece
  int tries = 0;        // for this piece
  core::pace pace;
  uint64_t next = 0;  // what comes behind this offset is asked for next
  alarm again;
  caf::typed_response_promise<fetched_snapshot> asked;

  ~snapshot_fetcher_state();
};

snapshot_fetcher_actor::behavior_type snapshot_fetcher(
    snapshot_fetcher_actor::stateful_pointer<snapshot_fetcher_state> self, fetcher_options options);

}  // namespace troupe
