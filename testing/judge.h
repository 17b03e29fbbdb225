// Hears all that happens in a simulated cluster, keeps the world up to date, and asks every
// invariant.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "testing/invariants/invariant.h"

namespace troupe::sim {

class judge {
 public:
  // `harm_only`: does not ask whether what was promised or committed is durable, only what came of
  // it.
  judge(core::vote_mode mode, core::membership members, bool harm_only);

  // The first thing that went wrong; empty as long as nothing did.
  const std::string& failure() const { return failure_; }
  void complain(const std::string& what);

  const world& seen() const { return world_; }
  uint64_t elections() const { return elections_; }
  uint64_t crashes() const { return crashes_; }
  uint64_t rots() const { return rots_; }
  uint64_t installs() const { return installs_; }
  uint64_t regained() const { return regained_; }

  // -- disks ------------------------------------------------------------------------------------

  void on_vote_saved(node_id node, const vote& saved);
  void on_vote_in_doubt(node_id node, const vote& wanted);
  void on_appended(node_id node, const batch_ptr& b);
  void on_truncated(node_id node, log_index last_kept);
  void on_synced(node_id node);
  // All up to here is in a snapshot of this node only.
  void on_purged(node_id node, const log_tail& upto);
  // A snapshot up to here took the place of the log.
  void on_reset(node_id node, const log_tail& to);
  // The node's process ended, with power or without.
  void on_crashed(node_id node);
  // All that was on the disk is gone for good.
  void on_wiped(node_id node);
  // A byte of its log that was durable has changed, in the batch that holds `entry`; 0: nobody
  // knows where.
  void on_rotted(node_id node, log_index entry = {});
  // A byte of the snapshot that its log goes on from has changed.
  void on_state_rotted(node_id node);
  // It has another one.
  void on_state_mended(node_id node);
  // `promised`: the node knows that its log went as far and does not now. `purged`: `log` goes on
  // from there.
  void on_reopened(node_id node, uint64_t incarnation, const vote& saved, batches log,
                   const log_id& promised = {}, const log_tail& purged = {});

  // -- actors -----------------------------------------------------------------------------------

  void on_elected(node_id node, const vote& elected, const batches& log);
  // This leadership committed `index`, an entry that `writer` wrote, while `members` were in force.
  void on_leader_committed(node_id node, const vote& elected, log_index index, leader_id writer,
                           const core::membership& members);
  void on_follower_committed(node_id node, const vote& saved, log_index index, leader_id writer);
  void on_applied(node_id node, log_index index, uint64_t command, uint64_t state);
  void on_restored(node_id node, log_index last_command, uint64_t state);
  void on_position(node_id node, const position& p);

  // -- network ----------------------------------------------------------------------------------

  void on_vote_reply(node_id node, const core::vote_reply& reply);
  void on_append_reply(node_id node, const core::append_reply& reply);

 private:
  batches history_up_to(node_id node, const log_tail& end);
  void forget_what_only(node_id node, const batch& b);
  void on_committed(node_id node, log_index index, leader_id writer, leader_id by, bool leads);

  world world_;
  std::map<uint64_t, batch_ptr> by_checksum_;  // every batch that was ever in a log
  std::vector<std::unique_ptr<invariant>> invariants_;
  std::string failure_;
  uint64_t elections_ = 0, crashes_ = 0, rots_ = 0, installs_ = 0, regained_ = 0;
};

}  // namespace troupe::sim
