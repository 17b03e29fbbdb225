// What a simulated cluster looks like from outside: each node's disk, and what was committed. The
// invariants judge by it; only judge changes it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/core/membership.h"
#include "proto/batch.h"
#include "proto/ids.h"

namespace troupe::sim {

// A run of batches without a gap.
using batches = std::vector<batch_ptr>;

// The batch that holds `index`; null where there is none.
const batch* find_in(const batches& run, log_index index);

// The membership that the last of these batches with one puts in force, and where it stands; empty
// where there is none.
core::membership members_in(const batches& run, log_id* at = nullptr);

// One node's disk, as its storage engine was told to write it and as it said it had.
struct disk {
  uint64_t incarnation = 0;
  vote saved;
  std::optional<vote> in_doubt;  // its saving failed: it may be found after a restart
  batches log;
  log_index durable;              // all of `log` up to here survives any crash
  std::set<log_id> ever_durable;  // the ends of batches
  bool rotten = false;            // its files were damaged since it was opened last
  bool state_spoilt = false;      // so was its snapshot, and its machine was not restored since
  log_index purged;               // of `log`: all up to here is in a snapshot only
  // Damage took the end of the log, and the node says that it was here; empty: all is there.
  log_id promised;
  // Batches, by their ends, since the log was whole: those whose bytes changed, and those that are
  // not in the log any more but can be read.
  std::set<log_id> spoilt;
  std::set<log_id> set_aside;

  // The node answers for it, be it that damage took it.
  bool holds_durably(const log_id& id) const;
  bool intact() const { return !rotten && !promised && !state_spoilt; }
  // Others can have it from here.
  bool can_give(const log_id& end) const;
};

struct committed_entry {
  log_id id;
  uint64_t checksum = 0;  // of the batch; the chain of checksums covers all before it
  leader_id by;           // whose leadership committed it
};

struct world {
  core::vote_mode mode = core::vote_mode::advanced;
  core::membership members;  // in force where an entry was committed last
  std::map<node_id, disk> disks;
  // Disks that are gone for good, by node and incarnation: as if their node were dead.
  std::map<std::pair<node_id, uint64_t>, disk> lost;
  std::vector<committed_entry> committed;  // [i] has index i + 1
  // Every batch that was ever written anywhere, by what names it.
  std::map<std::pair<leader_id, log_index>, batch_ptr> written;

  const committed_entry* committed_at(log_index index) const;
  // Whether `id` is durable at this node as `m` knows it, or was when that disk was lost: what is
  // on the disk that the node has instead does not count.
  bool holds_durably(const core::membership& m, node_id node, const log_id& id) const;
  // The batch of this leader that holds `index`; null when no disk ever had one.
  batch_ptr written_by(leader_id leader, log_index index) const;
};

}  // namespace troupe::sim
