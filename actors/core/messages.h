// What the protocol objects of two nodes say to each other (thesis 3.4, 3.5), as plain values. How
// they look on the wire is in actors/wire.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/batch.h"
#include "proto/ids.h"

namespace troupe::core {

// One replication stream of one leadership to one peer. Whatever belongs to a leadership carries
// it, and a fact of another session is dropped: an acknowledgement from before a follower was
// removed, wiped or re-added never counts afterwards.
struct session {
  vote leader;
  log_id membership;
  uint64_t stream = 0;

  bool operator==(const session&) const = default;
};

struct vote_request {
  node_id from;
  node_id to;              // an address may lead to another node by mistake: that one refuses
  uint64_t candidacy = 0;  // echoed: a late grant is not counted for another candidacy
  vote wanted;
  log_id last;     // of the candidate's log
  vote handed_by;  // the leader that asked for it, whom its lease does not protect; else empty
  uint64_t cluster = 0;  // checksum of the first membership; requests of other clusters are refused
  uint64_t incarnation = 0;  // of the candidate, see member
};

struct vote_reply {
  node_id from;
  uint64_t candidacy = 0;
  bool granted = false;
  vote saved;  // the voter's promise; never the vote of its own candidacy
  log_id last;
  uint64_t incarnation = 0;  // of the voter
  bool led = false;          // the voter leads, or its leader is alive
  bool removed = false;      // who asks is behind, and no member in the voter's log; for people
};

struct append_request {
  node_id to;
  core::session session;
  log_id previous;      // the entry right before the first batch
  log_index committed;  // by the leader; counts for the follower up to what this request verifies
  uint64_t round = 0;   // echoed; confirms reads
  uint64_t cluster = 0;
  uint64_t incarnation = 0;        // that the follower must have; 0: any
  std::vector<batch_ptr> batches;  // none: a heartbeat or a probe
};

enum class verdict : uint8_t {
  matched,   // `previous` is in the follower's log
  conflict,  // it is not; go on at `hint`
  rejected,  // the follower promised a greater vote, `saved`
  failed,    // the follower cannot write
  replaced,  // it has another data directory than the one that the leader knows
};

struct append_reply {
  core::session session;
  uint64_t round = 0;
  core::verdict verdict = verdict::failed;
  log_id durable;  // all up to here is on the follower's disk; empty: nothing is claimed
  log_id hint;
  vote saved;
  uint64_t incarnation = 0;  // of the follower
};

// A piece of a snapshot, for who needs entries that the leader's log has no more (thesis 5.3). One
// without bytes asks how much is there; at the end of the snapshot, also to install it.
struct snapshot_request {
  node_id to;
  core::session session;
  uint64_t cluster = 0;
  uint64_t incarnation = 0;  // that the follower must have; 0: any
  snapshot_name snapshot;
  uint64_t offset = 0;
  std::string bytes;
  uint64_t length = 0;  // of what they were before they were compressed (zstd); 0: they are not
};

struct snapshot_reply {
  core::session session;
  core::verdict verdict = verdict::failed;  // no conflict: a snapshot is for who has one
  uint64_t wanted = 0;                      // the offset from which on the follower lacks it
  bool installed = false;  // or as good as: all that is in it is in the follower's log
  vote saved;
  uint64_t incarnation = 0;  // of the follower
};

// The leader asks `to`, which has its whole log, to take over (thesis 3.10).
struct transfer_request {
  node_id to;
  vote leader;  // who asks: heeded only while it is the vote that `to` has saved
  log_id last;  // of the leader's log
  uint64_t cluster = 0;
};
struct transfer_reply {
  bool accepted = false;  // it stands for election now
};

}  // namespace troupe::core
