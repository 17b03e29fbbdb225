// The snapshot_sink actor: the only writer of snapshots on its node, those that its own machine
// makes and those that a leader sends or this node fetches from another one.
//
// One at a time is on its way. What a leader sends goes first: who is sent a snapshot is so far
// behind that its own is of no use. It is kept when all of it is there, durable, and what it should
// be; until then the one before is the newest. A part stays when its connection breaks or its
// leader falls, and is gone on with when the same snapshot is sent again; another one begins from
// nothing.
//
// It looks after the newest, a little at a time, as the log store does after the log: one that rots
// is set aside, and the machine makes another one before it is needed.
//
// An error is none of its node: the old snapshot and the log are still there. It is told, and
// whatever was on its way is given up.
#pragma once

#include <memory>

#include "actors/alarm.h"
#include "actors/interfaces.h"
#include "actors/observed.h"
#include "actors/progress_log.h"
#include "storage/snapshot_store.h"

namespace troupe {

struct snapshot_sink_state;

// Blocks in file I/O: spawn it detached, except over memory. `scrub`: so many bytes are checked in
// a second; 0: none.
snapshot_sink_actor::behavior_type snapshot_sink(
    snapshot_sink_actor::stateful_pointer<snapshot_sink_state> self,
    std::shared_ptr<storage::snapshot_store> store, std::shared_ptr<observed> board,
    byte_count scrub);

struct snapshot_sink_state {
  static inline const char* name = "snapshot_sink";

  // What a leader sends, or a fetcher found.
  struct incoming {
    snapshot_name name;
    std::unique_ptr<storage::snapshot_part> part;
    progress_log log;
  };

  std::shared_ptr<storage::snapshot_store> store;
  std::shared_ptr<observed> board;
  std::unique_ptr<storage::snapshot_writer> own;
  std::optional<incoming> received;
  // By an operator or another node's fetcher; it may have been replaced.
  std::unique_ptr<storage::snapshot_reader> copied;
  alarm copy_is_over;
  byte_count scrub;
  alarm scrub_again;
  alarm free_again;                                   // what was removed
  std::unique_ptr<storage::snapshot_reader> checked;  // as far as it was read
  std::string unreadable;                             // why it is not, as was told last
  caf::strong_actor_ptr listener;
};

}  // namespace troupe
