// The leader actor: one leadership of this node. Its lifetime is the role: winning an election
// spawns it, losing it ends it, and with it every replicator, so that no state of an old leadership
// survives.
//
// The data path (leader.cc): proposals gather in one batch; when the mailbox is empty and fewer
// than a few batches are under way, the batch is sealed once and its bytes go to the log store and
// to every replicator at the same time. What a write quorum has durably is committed and handed to
// the state machine together with the routes of those who wait, and the state machine answers them.
//
// Reads are in leader_reads.cc, changes of the membership in leader_members.cc, the end of a
// leadership, wanted or not, in leader_handover.cc, what it does when it cannot serve in
// leader_unfit.cc, and what it tells of itself in leader_status.cc.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "actors/alarm.h"
#include "actors/core/backoff.h"
#include "actors/core/leadership.h"
#include "actors/core/log_view.h"
#include "actors/core/progress.h"
#include "actors/followers.h"
#include "actors/interfaces.h"
#include "actors/observed.h"
#include "caf/error.hpp"

namespace troupe {

// Bounds of one leadership, in bytes.
struct leader_limits {
  byte_count batch = MiB(1);  // a batch is sealed when it reaches this
  // Proposed and not applied, or asked and not confirmed; beyond it clients hear `busy`.
  byte_count under_way = MiB(256);
  size_t rounds = 2;  // batches under way, beyond which proposals gather
  core::flow_limits replication;
  // A node that lacks no more entries than this may become a voter or the leader.
  uint64_t caught_up_within = 5000;
  // A read under the lease is linearizable as long as no clock of the cluster runs more than this
  // many times as fast as another.
  double clock_drift = 1.1;
};

struct leader_options {
  node_id id;
  uint64_t incarnation = 0;
  vote elected;
  core::membership members;
  log_id membership_at;
  std::map<node_id, uint64_t> voted;  // the incarnations of those who granted
  log_tail tail;
  core::log_view log;
  uint64_t cluster = 0;
  uint64_t stream = 0;  // grows with each leadership of this process
  core::timing timing;
  core::vote_mode mode = core::vote_mode::advanced;
  leader_limits limits;
  log_store_actor store;
  snapshot_sink_actor sink;     // empty: no snapshots
  bool storage_blocks = false;  // see node_options
  core::compaction compaction;  // how snapshots are sent
  state_machine_actor machine;
  server_actor server;
  std::map<node_id, peer_actor> peers;
  bool heartbeats = true;
  bool state_lost = false;  // see machine_state
  std::shared_ptr<observed> board = std::make_shared<observed>();
};

class leader {
 public:
  using self_ptr = leader_actor::pointer;

  leader(self_ptr self, leader_options options);
  // Answers all that wait: what was never appended was refused, the rest is unknown.
  ~leader();

  caf::result<outcome> on_propose(const propose& m);
  caf::result<outcome> on_read(const read& m);
  caf::result<admin_reply> on_admin(const admin_request& m);
  caf::result<status> on_status();
  void on_acked(const acked& m);
  void on_forgot(const forgot& m);
  void on_outvoted(const outvoted& m);
  void on_applied(const applied& m);
  void on_seal();
  void on_configure(const configure& m);
  void on_machine_state(const machine_state& m);
  void on_succeeded(const handing_over& m);
  void on_tick(const tick& t);

  // For the simulation's invariants.
  const core::leadership& protocol() const { return protocol_; }
  std::map<node_id, replicator_actor> replicators() const { return followers_.actors(); }

 private:
  // Appended and not committed.
  struct pending_batch {
    batch_ptr what;
    std::vector<claim> claims;
  };
  struct pending_read {
    uint64_t round = 0;
    query what;
  };
  // A change of the membership on its way to its goal.
  struct change {
    core::membership goal;
    instant until;  // by then who will vote must be caught up
    // Nobody's, when this leader finishes what another one left behind.
    route who_asked;
    log_id written;
  };
  // The leadership is about to be somebody else's.
  struct handover {
    node_id to;
    instant until;
    bool leaving = false;  // this node cannot go on to lead
    route who_asked;
    bool closed = false;  // no writes are taken any more, so that `to` can have them all
    bool asked = false;
  };

  instant now() const { return self_->clock().now(); }
  void end(raft_errc why);

  // -- writes --
  void write_first_entry();
  void seal(batch_kind kind);
  void want_seal();
  void write(const batch_ptr& b);
  void commit(std::optional<log_index> committed);
  void tell_proposers(const pending_batch& p);
  bool gathered() const { return !gathering_.empty() || !gathering_claims_.empty(); }
  raft_errc refuse_now(size_t bytes) const;
  outcome refusal(request_id id, raft_errc code) const { return {id, code, {}, {}, {}}; }

  // -- reads --
  void want_round();
  void start_round();
  void confirm_reads();
  void release_reads();
  void refuse_reads();

  // -- membership --
  route who_asks();
  caf::result<admin_reply> on_change(const admin_request& m, const change_members& c);
  caf::result<admin_reply> on_abort_change();
  raft_errc refuse_change(const change_members& c, std::string& why) const;
  void begin_change(change c);
  void step_change();
  void finish_change(raft_errc code, std::string why);
  void write_membership(const core::membership& next);
  followers::backlog backlog() const;
  bool can_vote(node_id id) const;
  void tend_members();
  void register_incarnations();
  void note_incarnation(node_id id, uint64_t incarnation);
  core::membership known_members() const;  // with the incarnations that are met, too
  std::string laggards() const;
  node_id replaced_in(const change_members& c) const;
  admin_reply refusal_of_replaced(node_id id) const;
  bool way_back_helps();
  void give_up_change_in_time();

  // -- the end --
  caf::result<admin_reply> on_transfer(const admin_request& m, node_id to);
  caf::result<admin_reply> on_abort_transfer();
  void begin_handover(handover h);
  void step_handover();
  void ask_successor();
  void abandon_handover(raft_errc code, std::string why);
  void leave();
  void watch();

  // -- while it cannot serve --
  bool can_serve() const { return !full_ && !options_.state_lost; }
  void note_disk(bool full);
  void refuse_gathered(raft_errc why);
  void look_for_room();
  void make_way();
  void ask_others_again();

  void publish();

  // What each write costs besides its bytes: blank ones have none.
  static constexpr size_t claim_cost = 64;

  self_ptr self_;
  leader_options options_;
  core::leadership protocol_;
  core::log_view log_;
  followers followers_;

  batch_builder gathering_;
  std::vector<claim> gathering_claims_;
  request_id gathering_request_;
  bool seal_wanted_ = false;

  std::deque<pending_batch> pending_;
  byte_count under_way_;  // of writes until they are applied, of reads until they are confirmed
  std::deque<std::pair<log_index, byte_count>> applying_;

  std::deque<pending_read> reads_;  // whose round is not confirmed
  std::deque<query> confirmed_;     // that wait until what they shall see is committed
  bool round_wanted_ = false;
  bool lease_void_ = false;  // another leader may have been elected within it

  std::optional<change> change_;
  std::set<node_id> replaced_;                // members that came back with another data directory
  std::map<node_id, uint64_t> incarnations_;  // met, and not in the membership yet
  std::optional<handover> handover_;
  bool full_ = false;  // the disk, as the log store told last
  bool looks_for_room_ = false;
  std::set<node_id> declined_;  // who did not take over while this node could not serve
  instant asks_again_;          // all of them
  core::backoff decline_backoff_{options_.timing.rpc_timeout(), std::chrono::minutes(1)};
  alarm watch_;
  instant published_;
  // What those hear at the end whose writes were never appended, and whose reads were not answered.
  raft_errc why_refused_ = raft_errc::not_leader;
};

struct leader_state {
  static inline const char* name = "leader";
  std::unique_ptr<leader> me;
};

leader_actor::behavior_type leader_behavior(leader_actor::stateful_pointer<leader_state> self,
                                            leader_options options);

}  // namespace troupe
