// The nodes of a simulated cluster: the real actors on the real storage engine, over memory that
// can lose its power. Starts, kills and restarts them, and shows the judge what their actors
// decided.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "actors/node.h"
#include "storage/memory_env.h"
#include "testing/ledger.h"
#include "testing/network.h"
#include "testing/oracle.h"
#include "testing/scheduler.h"
#include "testing/watched_storage.h"

namespace troupe::sim {

struct cluster_options {
  size_t nodes = 3;
  size_t voters = 0;    // of them that the first membership has; 0: all
  core::quorum quorum;  // of the first membership; empty: a majority
  // Each process draws the rate of its clock between these.
  double slowest = 1, fastest = 1;
  core::vote_mode mode = core::vote_mode::advanced;
  core::timing timing;
  bool leader_restore = true;
  leader_limits limits;
  bool genesis = true;  // every node is given the first membership; else one must be initialised
  // Also to who lost its disk. Together such nodes could start the cluster a second time.
  bool genesis_again = true;
  byte_count segment_size = KiB(16);
  core::compaction compaction{0, byte_count(0), 0, byte_count(0)};  // never by itself
  size_t state_size = 0;          // bytes that each snapshot has at least
  bool machines_on_disk = false;  // they keep their state over restarts
};

// As long, on a clock that runs so many times as fast: what a node with such a clock does is what
// it does with shorter times.
core::timing on_clock(const core::timing& t, double rate);
core::membership members_of(size_t nodes);
core::membership first_members(const cluster_options& o);

class cluster {
 public:
  cluster(scheduler& s, network& net, judge& observer, oracle& truth, dice& chance,
          cluster_options options);
  ~cluster();

  const cluster_options& options() const { return options_; }
  // From their next start on all clocks run as they should.
  void set_clocks_right() { options_.slowest = options_.fastest = 1; }
  std::vector<node_id> ids() const;
  std::vector<node_id> up() const;
  std::vector<node_id> down() const;
  bool lost_disk(node_id id) const { return nodes_.at(id).disks > 1; }
  bool is_up(node_id id) const { return nodes_.at(id).handle.has_value(); }

  // Does nothing while actors of a killed process still hold the files: try again.
  void start(node_id id);
  // The process ends; its files keep what was written.
  void kill(node_id id);
  // The power fails: what was not synced survives by chance.
  void cut_power(node_id id);
  // Plans a power cut within one of the next few calls to the file system.
  void cut_power_soon(node_id id);
  // The process ends and its disk is gone for good: it starts again with an empty one.
  void wipe(node_id id);
  // The power fails, and a byte of the log that was durable has changed. False when nothing was
  // durable yet.
  bool rot(node_id id);
  // The same, of the batch that holds this entry, and of the oldest segment's header.
  bool rot_entry(node_id id, log_index entry);
  bool rot_header(node_id id);
  // The same, of its newest snapshot, or all of that is gone. False when there is none.
  bool rot_snapshot(node_id id);
  bool lose_snapshot(node_id id);
  // That of one that goes on.
  bool rot_snapshot_of_running(node_id id);
  // From now on writing calls fail with this probability.
  void break_disk(node_id id, double p);
  // Its disk does not answer, or answers again.
  void stall_disk(node_id id, bool stalled);
  // The process is stopped, or goes on.
  void freeze(node_id id, bool frozen);
  // No room is left but a little.
  void fill_disk(node_id id);
  void give_room(node_id id);

  // Call after every step with the actor that ran: judges what changed.
  void observe(caf::actor_id ran);

  // The nodes with a leader actor right now.
  std::vector<node_id> leading() const;
  const ledger& machine_of(node_id id) const { return *nodes_.at(id).machine; }
  // These nodes must be up; the membership is empty while the node starts.
  const core::acceptor& voter_of(node_id id) const;
  core::membership members_at(node_id id) const;
  // Null while it does not lead.
  const core::leadership* leadership_of(node_id id) const;
  leader_actor leader_of(node_id id) const;  // likewise
  const raft& handle_of(node_id id) const { return *nodes_.at(id).handle; }
  peer_actor link(const endpoint& from, node_id to);

 private:
  struct seen_leader {
    leader_actor actor;
    vote elected;
    batches log;               // when it was elected
    core::membership members;  // in force before its last step
    log_index committed;
  };
  struct node {
    std::unique_ptr<storage::memory_env> files = std::make_unique<storage::memory_env>();
    uint64_t incarnation = 0;
    uint64_t disks = 1;  // it has had
    std::shared_ptr<watched_storage> storage;
    std::weak_ptr<watched_storage> storage_in_use;
    std::shared_ptr<storage::snapshot_store> snapshots;
    std::weak_ptr<storage::snapshot_store> snapshots_in_use;
    std::shared_ptr<ledger> machine;
    ledger::state left;          // of the machine, where they keep it
    std::optional<raft> handle;  // while it is up
    server_actor server;
    log_index committed;  // as its followership knows
    log_index known;      // the greater of that and what its leaderships committed
    std::map<caf::actor_id, seen_leader> leaders;
    caf::actor_id newest_leader = 0;
    std::optional<seen_leader> ended;  // the last one that ended by itself
  };

  peer_actor dial(const endpoint& from, node_id to, const std::string& address);
  bool open_storage(node_id id, node& n);
  absl::Status try_open_storage(node_id id, node& n);
  node_options options_for(node_id id, node& n);
  void end(node_id id, node& n);
  void end_without_power();
  void note_rot(node_id id, log_index entry);
  void observe_server(node_id id, node& n);
  void observe_election(node_id id, node& n, const server& s);
  void observe_leader(node_id id, node& n, seen_leader& l);
  void note_last_words(node_id of, log_index upto);
  void on_applied(node_id id, log_index index, uint64_t command, const entry& e);

  scheduler& scheduler_;
  network& net_;
  judge& observer_;
  oracle& truth_;
  dice& chance_;
  cluster_options options_;
  std::vector<std::unique_ptr<storage::memory_env>> lost_disks_;
  std::map<node_id, node> nodes_;
  std::vector<peer_actor> links_;
  std::map<caf::actor_id, node_id> servers_;
  std::map<caf::actor_id, node_id> leaders_;
};

}  // namespace troupe::sim
