// What any node does with votes, appends and deadlines: the passive half of Raft (thesis 3.4, 3.5).
//
// Pure: time is an argument, and decisions are returned for the caller to carry out. The caller
// keeps three promises: it hands over one event at a time; what a decision says "save first" is
// durable before the next event; log writes reach the log in the order of the decisions.
#pragma once

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "actors/core/election_timer.h"
#include "actors/core/log_view.h"
#include "actors/core/membership.h"
#include "actors/core/messages.h"
#include "actors/core/timing.h"
#include "actors/core/vote_order.h"

namespace troupe::core {

// Save `vote`, then send `reply`.
struct grant {
  vote_reply reply;
};
struct vote_refusal {
  vote_reply reply;
  const char* why;
};
using vote_decision = std::variant<grant, vote_refusal>;

// Save this vote, call on_vote_saved, and judge the same request again.
struct save_vote_first {
  vote wanted;
};
// Write to the log: truncate when told, then add the batches; send `reply` when all of that and all
// before it is durable. Nothing to write and nothing claimed: send it at once.
struct accepted_append {
  std::optional<log_index> truncate_after;
  std::vector<batch_ptr> batches;
  append_reply reply;
  bool wait_for_flush = false;
};
struct append_refusal {
  append_reply reply;
  const char* why;
};
// A reason that has a way forward of its own.
inline constexpr const char* another_cluster = "it belongs to another cluster";
inline constexpr const char* no_room = "the disk is full";

using append_decision = std::variant<save_vote_first, accepted_append, append_refusal>;

// The bytes of a snapshot that this node needs: keep them, and answer with what is wanted next.
struct accepted_piece {
  snapshot_reply reply;
};
// Nothing is to be done: send `reply`.
struct answered_snapshot {
  snapshot_reply reply;
  const char* why;
};
using snapshot_decision = std::variant<save_vote_first, accepted_piece, answered_snapshot>;

class acceptor {
 public:
  struct state {
    node_id id;
    vote saved;
    log_view log;
    uint64_t cluster = 0;      // 0 while the node belongs to none
    uint64_t incarnation = 0;  // see member; 0: none, as in memory
    bool joined = false;       // another node began this log, see storage::log_storage
    // Damage took the end of the log, which this node acknowledged up to here; empty: nothing is
    // lost. Until the log is as far again, the node votes as if it were.
    log_id promised;
    log_index compacted;  // a snapshot covers all up to here, so it was committed
  };

  // A node that starts treats the leader of its saved vote as heard of just now: it forgot when,
  // and the leader may still hold a lease that this node's word is part of.
  acceptor(state recovered, const timing& timing, vote_mode mode, instant now, duration jitter);

  // -- votes ------------------------------------------------------------------------------------

  // Judged in this order: a live leader's lease refuses all but that leader, who does not lead
  // while it stands for election, and the candidate that this very leader hands over to: a request
  // that comes so late that another one leads is refused; a candidate whose log is behind is
  // refused and its vote is not adopted, so that a node that was cut off cannot depose anyone; with
  // a log like ours, a leader id below that of `floor`, this node's own candidacy, is refused; else
  // a vote ≥ the saved one is granted. `leading`: this node leads right now, which is a live lease
  // as well. `members`: in force here; a candidate with a log like ours that is known with another
  // data directory is refused as well, and so is everyone with a log like ours while this node is
  // a newcomer.
  vote_decision on_vote_request(const vote_request& request, std::optional<vote> floor,
                                bool leading, instant now, const membership& members = {}) const;

  // `saved` is durable. `jitter` is for the election timer.
  void on_vote_saved(const vote& saved, instant now, duration jitter);

  // -- appends ----------------------------------------------------------------------------------

  // `full`: there is no room for commands. They are refused, and the leader is alive all the same;
  // the few entries that elect a leader or change the members still find room.
  append_decision on_append_request(const append_request& request, instant now, bool full = false);

  // -- snapshots --------------------------------------------------------------------------------

  // Judged as an append. What a snapshot replaces is never committed: one that ends where this node
  // knows what was committed is old news, or contradicts that and is refused.
  snapshot_decision on_snapshot_request(const snapshot_request& request, instant now);
  // Whether a snapshot up to `last` brings anything.
  bool lacks(const log_id& last) const {
    return last.index > committed_ && !state_.log.contains(last);
  }
  // All up to here was removed from the front of the log.
  void on_purged(const log_id& purged) { state_.log.purge(purged); }

  // -- time -------------------------------------------------------------------------------------

  // When to stand for election, if nothing is heard until then (election_timer.h).
  instant election_deadline() const { return timer_.deadline(leased_until_); }
  // The leader's lease at this node: until then no other vote is granted, not even to itself. Only
  // what the leader sends renews it; neither a vote that is granted nor a candidacy ends or renews
  // it.
  bool lease_live(instant now) const;
  instant leased_until() const { return leased_until_; }
  // The timer hears here of grants and leaders; of this node's own elections the caller tells it.
  election_timer& timer() { return timer_; }

  // -- what is known ----------------------------------------------------------------------------

  const vote& saved() const { return state_.saved; }
  const log_view& log() const { return state_.log; }
  log_index committed() const { return committed_; }
  // The greatest commit index that a leader told this node, whose log may end before it. For people
  // only: nothing of it is verified here.
  log_index cluster_committed() const { return std::max(cluster_committed_, committed_); }
  node_id id() const { return state_.id; }
  uint64_t cluster() const { return state_.cluster; }
  uint64_t incarnation() const { return state_.incarnation; }
  // Whether this node got a log in which no membership names its data directory. It may have been a
  // voter before it lost its disk, and now reads of that: this is not its vote to give. Several of
  // them could elect one of themselves with the members of long ago. Who has a longer log is
  // granted all the same, for that one knows who counts.
  bool newcomer() const;
  // The end of the log, or of what it was before damage took it: no candidate with less is granted.
  log_id acknowledged() const { return std::max(state_.log.last(), state_.promised); }
  // Lacks entries that it acknowledged. Then it must not lead: who grants it a vote compares with
  // the log that it has.
  bool lacks_entries() const { return state_.log.last() < state_.promised; }
  // The leader that this node follows, 0 when unknown, silent for longer than its lease, or not
  // heard of since the start: the one of before may be long gone.
  node_id leader(instant now) const;

  // This node wrote to the log by itself: its leadership ended, or it was initialised.
  void on_log_written(log_view log);
  void on_joined(bool joined) { state_.joined = joined; }
  // Whether a membership in the log names this node's data directory, now that they changed.
  void on_named(bool named) { named_ = named; }
  void join_cluster(uint64_t cluster) { state_.cluster = cluster; }
  void on_committed(log_index committed);

 private:
  append_reply reply_to(const append_request& request, verdict v) const;
  append_decision accept(const append_request& request);
  const char* malformed(node_id to, const vote& leader, uint64_t cluster) const;
  const char* malformed(const append_request& request) const;
  void hear_of_leader(instant now);
  void keep_promise();

  state state_;
  timing timing_;
  vote_mode mode_;
  bool named_ = false;
  log_index committed_;
  log_index cluster_committed_;
  vote leased_to_;
  bool heard_ = false;
  instant leased_until_;
  election_timer timer_;
};

}  // namespace troupe::core
