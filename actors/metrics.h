// What a node shows of itself, as plain values (observed.h keeps the present ones).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actors/core/membership.h"
#include "actors/errors.h"
#include "actors/snapshot_progress.h"
#include "proto/ids.h"

namespace troupe {

// `outsider`: a node that its cluster has removed, or has not added yet.
enum class node_role : uint8_t { learner, follower, candidate, leader, outsider };

// `stopping`: it takes nothing any more, but its log store has not ended yet. `failed`: its disk or
// its machine did; metrics::failure has the reason.
enum class node_life : uint8_t { starting, running, stopping, stopped, failed };

struct metrics {
  struct peer {
    log_index matched;             // has this much of the leader's log on its disk
    std::optional<instant> heard;  // when the last request that it answered was sent; none yet

    bool operator==(const peer&) const = default;
  };

  // How often, since the node was started: two looks at them give a rate, and the quotients tell
  // how much shared one sync or one batch.
  struct counts {
    uint64_t candidacies = 0;  // elections that it stood for
    uint64_t leaderships = 0;
    uint64_t appends = 0, syncs = 0;     // of its log
    uint64_t batches = 0, commands = 0;  // applied, those of the old log included

    bool operator==(const counts&) const = default;
  };

  node_id id;
  // While starting, what follows is not known yet.
  node_life life = node_life::starting;
  raft_errc failure = raft_errc::none;
  std::string failure_text;

  node_role role = node_role::learner;
  troupe::vote vote;  // on its disk
  leader_id leader;   // the leadership that it follows or holds; empty when it knows of none

  bool disk_full = false;  // it takes no commands until there is room; reads are answered
  log_id last;             // the log's end on its disk
  // Damage took the end of the log, which was here; empty: all is there. Until it has that again,
  // this node does not stand for election.
  log_id lost;
  // Why this node's machine has no state; empty: it has, or is being given one. Until a snapshot
  // comes from another node, nothing is applied or answered here.
  std::string state_lost;
  log_index found;  // how much of it was there at the start, and was not overwritten since
  log_index committed, applied, snapshot, purged;  // as far as this node knows
  // Nothing while none is on its way.
  snapshot_progress making, receiving, restoring;
  std::map<node_id, snapshot_progress> sending;  // to which followers
  // As far as it has heard: a follower that is behind lacks some of it. Never below `committed`.
  log_index cluster_committed;

  core::membership members;  // in force, committed or not
  log_id members_at;
  // While those are not committed: the newest that are known to be; see committed_members().
  core::membership members_before;
  log_id members_before_at;

  // At a leader only, and up to a heartbeat old. The times are of the actors' clock,
  // std::chrono::steady_clock in production.
  std::optional<instant> quorum_acked;  // a write quorum followed it at this time
  std::map<node_id, peer> replication;

  counts totals;

  bool members_committed() const { return members_at.index <= committed; }
  // Empty while none is known to be committed, as for a moment after a restart.
  const core::membership& committed_members() const {
    return members_committed() ? members : members_before;
  }
  const log_id& committed_members_at() const {
    return members_committed() ? members_at : members_before_at;
  }
  // All that the log held at the start is committed and applied again, or was overwritten.
  bool recovered() const {
    return life == node_life::running && committed >= found && applied >= found;
  }
};

std::string_view to_string(node_role role);
std::string_view to_string(node_life life);

}  // namespace troupe
