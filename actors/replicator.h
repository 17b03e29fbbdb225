// The replicator actor: brings one follower's log up to the leader's, for one replication session.
//
// The leader hands it every batch; it keeps what the follower may still need within a byte bound
// and reads the rest from the log store. Requests are sent as the window allows; a heartbeat only
// when nothing else was sent for a heartbeat interval, or told of a commit in time. Who needs what
// was purged is sent a snapshot by a streamer, and meanwhile gets heartbeats. It ends with its
// leader.
#pragma once

#include <deque>
#include <memory>

#include "actors/alarm.h"
#include "actors/core/progress.h"
#include "actors/core/timing.h"
#include "actors/interfaces.h"
#include "actors/observed.h"

namespace troupe {

struct replicator_options {
  node_id peer;
  core::session session;
  uint64_t cluster = 0;
  uint64_t incarnation = 0;  // of the peer, as registered; 0: who answers first
  core::log_view log;        // the leader's, when its leadership began
  core::timing timing;
  core::flow_limits limits;
  byte_count recent = MiB(16);  // batches kept at hand
  peer_actor link;
  log_store_actor store;
  snapshot_sink_actor sink;     // empty: this node has no snapshots, and keeps its whole log
  bool storage_blocks = false;  // see node_options
  core::compaction compaction;  // how snapshots are sent
  leader_actor leader;
  std::shared_ptr<observed> board = std::make_shared<observed>();
  bool heartbeats = true;  // off: only what is new is sent, and the follower will miss its leader
};

class replicator {
 public:
  using self_ptr = replicator_actor::pointer;

  replicator(self_ptr self, replicator_options options);

  void on_replicate(const replicate& m);
  void on_confirm(const confirm& m);
  void on_streamed(const streamed& m);
  void on_configure(const configure& m) { apply_to(options_, m); }
  // What of it is a replicator's.
  static void apply_to(replicator_options& o, const configure& m) {
    o.heartbeats = m.heartbeats.value_or(o.heartbeats);
    o.compaction = m.compaction.value_or(o.compaction);
  }
  void on_tick(const tick& t);
  replicator_status on_status() const;

 private:
  void pump();
  void confirm_rest();
  bool untold() const;
  void tell_commit();
  bool gather(core::progress::step& step, std::vector<batch_ptr>& batches);
  void read_older(log_index from);
  void stream_snapshot();
  void end_streamer();
  void send(const core::progress::step& step, std::vector<batch_ptr> batches);
  void on_reply(uint64_t ticket, const core::append_reply& reply);
  void on_conflict(uint64_t ticket, const log_id& hint);
  void on_error(uint64_t ticket);
  bool is_replaced(const core::append_reply& reply);
  void on_replaced(uint64_t ticket);
  void remember(const batch_ptr& b);

  self_ptr self_;
  replicator_options options_;
  core::progress progress_;
  // Consecutive batches up to the end of the log, or older ones that were just read.
  std::deque<batch_ptr> recent_;
  byte_count recent_bytes_;
  uint64_t incarnation_;  // that the follower must have; 0 before its first answer
  bool replaced_ = false;
  bool refuses_ = false;              // it answered last that it takes nothing
  snapshot_streamer_actor streamer_;  // while the follower needs a snapshot
  bool reading_ = false;
  bool unreachable_ = false;  // the last request failed: wait for the next heartbeat
  log_index committed_;
  // As far as requests told it: of entries that they do not show it to have, it knows nothing.
  log_index committed_sent_;
  uint64_t round_ = 0;       // to be confirmed
  uint64_t round_sent_ = 0;  // the greatest that a request carried
  instant last_sent_;
  instant last_ack_;
  alarm heartbeat_;
  alarm commit_notice_;
};

struct replicator_state {
  static inline const char* name = "replicator";
  std::unique_ptr<replicator> me;
};

replicator_actor::behavior_type replicator_behavior(
    replicator_actor::stateful_pointer<replicator_state> self, replicator_options options);

}  // namespace troupe
