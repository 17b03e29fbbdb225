// The log_store actor: the only writer of vote and log on its node, and the fence.
//
// It admits an append only under the vote that it has saved, so that a leader that was deposed
// cannot write any more, whoever sends first. Vote and log writes share its one ordered queue.
// Appends that wait in its mailbox are written together and synced once (group commit).
//
// A full disk is no failure: it says so with each flush (`flushed::full`), long before a write
// fails, and looks for room with each flush until there is some.
//
// What is purged goes a part at a time, with appends between: removing gigabytes at once takes
// longer than a lease.
//
// It looks after what is on the disk, a little at a time (log_storage::scrub): what rots is found
// before it is needed, while others have it.
//
// A failed write ends it with raft_errc::storage_failed, and its node with it: after a failed fsync
// nothing can be known of the file, so nothing is retried and acknowledged.
#pragma once

#include <memory>

#include "actors/alarm.h"
#include "actors/interfaces.h"
#include "actors/log_join.h"
#include "actors/observed.h"

namespace troupe {

struct log_store_state;

// Blocks in file I/O: spawn it detached, except over memory. `scrub`: so many bytes are checked in
// a second; 0: none.
log_store_actor::behavior_type log_store(log_store_actor::stateful_pointer<log_store_state> self,
                                         std::shared_ptr<storage::log_storage> storage,
                                         log_beginning beginning, std::shared_ptr<observed> board,
                                         byte_count scrub);

struct log_store_state {
  static inline const char* name = "log_store";
  std::shared_ptr<storage::log_storage> storage;
  std::shared_ptr<observed> board;
  std::vector<std::pair<log_id, core::membership>> memberships;
  uint64_t cluster = 0;
  log_index compacted;
  bool full = false;  // as was told last
  byte_count scrub;
  alarm scrub_again;
  // What goes from the front, and who waits until it is gone.
  struct purging {
    log_index from, upto;
    uint64_t step = 0;  // entries at once
    alarm next;
    std::vector<caf::typed_response_promise<log_state>> waiting;
  } purging;
  // Written, to be answered after the next sync.
  std::vector<caf::typed_response_promise<flushed>> unsynced;

  ~log_store_state();
};

}  // namespace troupe
