// What the actors say to each other, one struct a message.
//
// Names: between nodes `noun_request` / `noun_reply`; to a neighbour
// imperatives; facts in the past tense. The protocol's messages between nodes are in
// actors/core/messages.h; actors/wire.h lists all that have a form on the wire.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/core/chunk_cursor.h"
#include "actors/core/compaction.h"
#include "actors/core/log_view.h"
#include "actors/core/member_change.h"
#include "actors/core/membership.h"
#include "actors/core/messages.h"
#include "actors/errors.h"
#include "actors/route.h"
#include "actors/snapshot_messages.h"
#include "actors/snapshot_progress.h"
#include "proto/batch.h"
#include "proto/ids.h"
#include "storage/log_storage.h"
#include "storage/snapshot_file.h"

namespace troupe {

class machine;

// -- clients → server → leader -------------------------------------------------------------------

// Put these commands into the log, in this order and next to each other. Answered by one outcome
// when all of them were applied. As a plain message or as a request. No commands: a barrier, it is
// answered when all that the leader got before it was applied.
struct propose {
  request_id id;  // follows the write through actors and nodes; chosen by the client
  frames commands;
  uint32_t hops = 0;     // how often it was forwarded, so that no two nodes play ping-pong with it
  leader_id only_under;  // not empty: not_leader unless it arrives at this leadership
  bool notify_commit = false;                    // say `committed` to the sender, if possible
  duration patience = std::chrono::seconds(10);  // then nobody waits for the outcome any more
};
// A plain message to the proposer, before the outcome: what it proposed is committed, and will be
// applied.
struct committed {
  request_id id;
  log_id at;  // of the last command
};

enum class read_mode : uint8_t {
  linearizable = 0,  // sees every write that was acknowledged before it was sent (ReadIndex)
  stale = 1,         // what this node has applied; asks nobody
  // As linearizable, within the bound on clock drift: the leader answers without asking its
  // followers.
  lease = 2,
  follower = 3,  // as linearizable: this node answers, after it asked the leader how far to apply
};

// Answer these queries, all from one state.
struct read {
  request_id id;
  frames queries;
  read_mode mode = read_mode::linearizable;
  uint32_t hops = 0;
  duration patience = std::chrono::seconds(10);  // then nobody waits for it any more
  byte_count most = no_bound;  // of results; the last queries go without where there are more
};

// The answer to propose and read.
struct outcome {
  request_id id;
  raft_errc code = raft_errc::none;
  node_id leader;   // with not_leader: where to go instead, when known
  log_index index;  // the last command's place in the log; for reads, the state that answered
  // One for each command or query when code is none, else empty. Of a read, those that fit.
  frames results;
  leader_id under;  // of a write: the leadership that put it into the log; {under, index}: its id
};

// -- to log_store --------------------------------------------------------------------------------

// All that the protocol knows of what is on the disk. Answers describe_log and save_vote.
struct log_state {
  vote saved;
  log_id purged;
  log_tail tail;
  std::vector<leader_run> runs;
  // The memberships in the log, oldest first: the last one is in force, the others matter when it
  // is truncated away.
  std::vector<std::pair<log_id, core::membership>> memberships;
  uint64_t cluster = 0;      // checksum of the first membership's batch, 0 when there is none
  uint64_t incarnation = 0;  // of the storage, see core::member
  bool joined = false;       // see storage::log_storage
  std::optional<storage::lost_entries> lost;
  bool full = false;    // the disk, as in `flushed`
  log_index compacted;  // a snapshot of this node covers all up to here

  core::log_view view() const { return {purged, runs, tail.last.index}; }
};
struct describe_log {};

// Durable before it is answered. Only the server sends it, and only votes that do not fall.
struct save_vote {
  vote wanted;
};

// Write under `fence`, the writer's committed vote; refused with `fenced` unless that is the saved
// vote, so that two writers may send in any order. Answered by `flushed` when durable.
struct append {
  vote fence;
  std::optional<log_index> truncate_after;
  std::vector<batch_ptr> batches;  // none: a barrier, all before it is durable when it is answered
};
struct flushed {
  log_id last;        // the log's end when it was flushed
  bool full = false;  // the disk: what comes now is refused before it gets here
};
// Internal to log_store: everything that its mailbox held is written, sync it.
struct sync_now {};
// Forget all up to here, which a snapshot covers. Answered by log_state.
struct purge_log {
  log_index upto;
};
// This snapshot is the newest: the log starts again behind it, unless it has the snapshot's last
// entry; refused as an append. Answered by log_state.
struct reset_log {
  vote fence;
  storage::snapshot_meta to;
};

struct read_log {
  log_index from;
  byte_count most;
};
struct log_slice {
  std::vector<batch_ptr> batches;
};

// See storage::log_storage::keep_aside, for what was found elsewhere, and then restore. Only the
// server sends it.
struct restore_log {
  std::vector<batch_ptr> found;
};
struct restored {
  log_state log;
  std::optional<storage::missing_batches> missing;
};
// See storage::log_storage::find.
struct find_batches {
  storage::missing_batches wanted;
  byte_count most;
};

// -- between servers, where damage took something ------------------------------------------------

// Which of these have you? To any member, whether it leads or not.
struct fetch_request {
  uint64_t cluster = 0;
  storage::missing_batches wanted;
};
// As storage::log_storage::find; of another cluster it is not_allowed.
struct fetch_reply {
  std::vector<batch_ptr> batches;
};

// -- for operators --------------------------------------------------------------------------------

// A piece of a member's newest snapshot from `offset` on, or of the one that is named, while it is
// there: for a copy elsewhere.
struct backup_request {
  snapshot_name of;  // empty: the newest
  uint64_t offset = 0;
};
// No bytes: that was all. not_allowed when there is no such snapshot.
struct backup_reply {
  snapshot_name of;
  std::string bytes;
};

// -- to state_machine ----------------------------------------------------------------------------

// Who gets which results of a batch: consecutive commands, in the order of the batch.
struct claim {
  route to;
  request_id id;
  uint32_t count = 0;
  size_t bytes = 0;     // of their frames
  bool notify = false;  // of the commit
};

// All up to `upto` is committed. `batches` are those that are at hand, in order; what is missing
// before them is read from the log. `claims[i]` belongs to `batches[i]`; no claims at all where
// nobody waits.
struct apply {
  log_index upto;
  std::vector<batch_ptr> batches;
  std::vector<std::vector<claim>> claims;
  bool report = false;  // whether the sender wants to hear `applied`
};
// Everything up to `upto` was applied. `committed`: as far as the machine was told, where it was
// asked.
struct applied {
  log_index upto;
  log_index committed;
};

// Answer when everything up to `index` was applied.
struct query {
  log_index index;
  route to;
  request_id id;
  frames queries;
  instant until = instant::max();  // then it is refused, and not asked
  byte_count most = no_bound;      // as of read

  // What it takes while it waits: barriers have no bytes of their own.
  size_t cost() const { return queries.bytes().size() + 64; }
};
// The hash of the log up to `index`, equal on all nodes; empty when it is not applied or was
// purged.
struct hash_log {
  log_index index;
};
struct log_hash {
  std::optional<uint64_t> hash;
};
struct describe_applied {};
// Internal to state_machine: all that its mailbox held was served, answer more queries.
struct go_on {};
// Runs in the middle of the machine's life, between two batches. Never throws. Answered when it was
// done.
struct visit {
  std::function<void(const machine&)> what;
};

// -- leader and its replicators ------------------------------------------------------------------

// A batch was added to the log. `committed` rides along.
struct replicate {
  batch_ptr batch;
  log_index committed;
};
// Have this round acknowledged, unless a request carried it already, and spread `committed`.
struct confirm {
  uint64_t round;
  log_index committed;
};
// A follower answered a request of this session that was sent at `sent`. An empty `durable` claims
// nothing but that it follows.
struct acked {
  core::session session;
  node_id from;
  log_id durable;
  instant sent;
  uint64_t round = 0;
  uint64_t incarnation = 0;  // of the follower
};
// The follower of this session has lost entries: nothing that it acknowledged before counts.
// `replaced`: it came back with another disk, and nothing that it will acknowledge does either.
struct forgot {
  core::session session;
  node_id from;
  bool replaced;
};
// A follower promised a greater vote: this leadership is over.
struct outvoted {
  vote saved;
};
// The leadership is over; all up to `committed` was committed by then. The last message of a
// leader.
struct led {
  log_index committed;
};
// The leader put `members` into the log at `at`: in force from now on. Answered with handles of all
// others, by the server.
struct adopt {
  vote leader;
  log_id at;
  core::membership members;
};
struct peer_handles {
  std::map<node_id, caf::strong_actor_ptr> peers;  // each a peer_actor
};
// To the server: the leader gives its leadership to `to`, whose vote request the node may grant; 0:
// not any more. Back to the leader: its leadership ends for that of `to`.
struct handing_over {
  node_id to;
};
// Internal to leader: everything that its mailbox held was gathered, seal the batch.
struct seal_now {};

// -- time ----------------------------------------------------------------------------------------

// An alarm of the actor itself; stale unless the epoch is the alarm's.
struct tick {
  uint64_t epoch = 0;
};

// -- administration ------------------------------------------------------------------------------

// Start a new cluster with this membership; answered when it has begun. Idempotent; not_allowed on
// a node that has another one, or whose peers have.
struct initialize {
  core::membership members;
};
struct done {};
// Switches of this node, while it runs.
struct configure {
  std::optional<bool> elections;   // stands for election by itself
  std::optional<bool> heartbeats;  // sends them while it leads
  std::optional<core::compaction> compaction;
};

struct change_members {
  std::vector<core::member_change> changes;  // applied in order, as one
  bool retain = false;                       // voters that are removed become learners
  core::precondition only_if;
};
struct abort_change {};  // back to the quorum from before the change that is under way
// Hand the leadership to `to`, or to the best voter when 0.
struct transfer {
  node_id to;
};
struct abort_transfer {};
struct elect {  // that node stands for election now
  node_id who;
};
struct snapshot_now {  // that node makes a snapshot; answered with where it ends
  node_id who;
};
struct purge_now {  // that node forgets its log up to here, as far as its snapshot covers it
  node_id who;
  log_index upto;
};
using admin_command = std::variant<change_members, abort_change, transfer, abort_transfer, elect,
                                   snapshot_now, purge_now>;

// Any member takes it; it is passed on to the leader, or to the node that shall be elected.
struct admin_request {
  request_id id;
  admin_command command;
  duration patience = std::chrono::seconds(10);  // for a node to catch up; then it is not done
  uint32_t hops = 0;
};
// With `none` it is done: a change is committed, a new leader was heard of, a candidate asks for
// votes. Some errors leave a part done, `why` says which.
struct admin_reply {
  raft_errc code = raft_errc::none;
  node_id leader;   // with not_leader: where to go, when known
  log_id at;        // of the last membership that was written for it; of a snapshot: its end
  std::string why;  // one line, for people
};

struct status_request {};
struct status {
  struct peer {
    node_id id;
    log_index matched;
    std::string state;
    uint64_t last_ack_ms = 0;
    byte_count in_flight;
    snapshot_progress snapshot;  // that is sent to it
  };
  node_id id;
  std::string role;
  troupe::vote vote;
  node_id leader;
  log_index last, committed, applied, snapshot, purged;
  core::membership members;
  log_id membership_at;  // where it stands in the log
  bool membership_committed = false;
  core::membership committed_members;  // the newest that is known to be
  std::vector<peer> replication;
  std::string version;
  snapshot_progress making, receiving, restoring;
  std::string state_lost;  // why the machine's state is, until the node has it again
};
struct replicator_status {
  status::peer peer;
};

}  // namespace troupe

#include "actors/wire.h"
