// The leader actor: one leadership of this node. Its lifetime is the role: winning an election
// spawns it, losing it ends it, and with it every replicator, so that no state of an old leadership
// survives.
//
// The data path: proposals gather in one batch; when the mailbox is empty and fewer than a few
// batches are under way, the batch is sealed once and its bytes go to the log store and to every
// replicator at the same time. What a write quorum has durably is committed and handed to the state
// machine together with the routes of those who wait, and the state machine answers them.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "actors/alarm.h"
#include "actors/core/leadership.h"
#include "actors/core/log_view.h"
#include "actors/core/progress.h"
#include "actors/interfaces.h"
#include "caf/error.hpp"

namespace troupe {

// Bounds of one leadership, in bytes.
struct leader_limits {
  byte_count batch = MiB(1);  // a batch is sealed when it reaches this
  // Proposed and not applied, or asked and not confirmed; beyond it clients hear `busy`.
  byte_count under_way = MiB(256);
  size_t rounds = 2;  // batches under way, beyond which proposals gather
  core::flow_limits replication;
};

struct leader_options {
  node_id id;
  vote elected;
  core::membership members;
  log_id membership_at;
  log_tail tail;
  core::log_view log;
  uint64_t cluster = 0;
  uint64_t stream = 0;  // grows with each leadership of this process
  core::timing timing;
  core::vote_mode mode = core::vote_mode::advanced;
  leader_limits limits;
  log_store_actor store;
  state_machine_actor machine;
  server_actor server;
  std::map<node_id, peer_actor> peers;
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
  void on_tick(const tick& t);

  // For the simulation's invariants.
  const core::leadership& protocol() const { return protocol_; }

 private:
  // Appended and not committed.
  struct pending_batch {
    batch_ptr what;
    std::vector<claim> claims;
  };
  struct pending_read {
    uint64_t round;
    query what;
  };

  void spawn_replicators();
  void seal(batch_kind kind);
  void want_seal();
  void write(const batch_ptr& b);
  void commit(std::optional<log_index> committed);
  void start_round();
  void confirm_reads();
  raft_errc refuse_now(size_t bytes) const;
  outcome refusal(request_id id, raft_errc code) const;
  void end(raft_errc why);

  self_ptr self_;
  leader_options options_;
  core::leadership protocol_;
  std::map<node_id, replicator_actor> replicators_;

  batch_builder gathering_;
  std::vector<claim> gathering_claims_;
  request_id gathering_request_;
  bool seal_wanted_ = false;

  std::deque<pending_batch> pending_;
  byte_count under_way_;  // of writes until they are applied, of reads until they are confirmed
  std::deque<std::pair<log_index, byte_count>> applying_;

  std::deque<pending_read> reads_;
  bool round_wanted_ = false;
  alarm quorum_watch_;
};

struct leader_state {
  static inline const char* name = "leader";
  std::unique_ptr<leader> me;
};

leader_actor::behavior_type leader_behavior(leader_actor::stateful_pointer<leader_state> self,
                                            leader_options options);

}  // namespace troupe
