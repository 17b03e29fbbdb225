// troupe::raft: everything that a program may ask of its node, in one handle.
//
// Cheap to copy and safe to use from any thread. Ordinary threads get futures or callbacks; actors
// send propose and read to server(), as plain messages or requests, and get one outcome for each.
// What a callback may do: intake.h and observed.h.
//
// The node runs until shutdown() is called or the last handle is gone.
#pragma once

#include <future>
#include <memory>
#include <set>
#include <string>

#include "actors/edge.h"
#include "actors/extensions.h"
#include "actors/herald.h"
#include "actors/interfaces.h"
#include "actors/node_config.h"
#include "actors/progress_watch.h"
#include "actors/until.h"
#include "caf/fwd.hpp"

namespace troupe {

// A write's or read's end, owning its result.
struct reply {
  raft_errc code = raft_errc::none;
  node_id leader;
  log_index index;
  std::string result;

  bool ok() const { return code == raft_errc::none; }
};

// A value, or why there is none.
template <class T>
struct result {
  raft_errc code = raft_errc::none;
  T value{};

  bool ok() const { return code == raft_errc::none; }
};

struct write_options {
  // Refused with not_leader unless this leadership is the one that gets it: what a program decided
  // under one leadership never takes effect under another.
  leader_id only_under = {};
  duration deadline = std::chrono::seconds(10);  // then the outcome is unknown
  // When it is committed, before it is applied. Before the write's own callback, or never.
  commit_callback on_commit = {};
};

class raft {
 public:
  struct parts {
    caf::actor_system* system;
    node_id id;
    node_config config;
    server_actor server;
    log_store_actor store;
    state_machine_actor machine;
    edge_actor edge;
    herald_actor herald;
    std::shared_ptr<intakes> inputs;
    std::shared_ptr<observed> board;
  };

  explicit raft(parts p) : p_(std::make_shared<shared>(std::move(p))) {}

  // -- writes -----------------------------------------------------------------------------------

  // Replicates one command; the result is the machine's, after a write quorum has the command
  // durably and this cluster's leader applied it. Commands of one thread keep their order. `busy`
  // when too much waits.
  std::future<reply> write(std::string_view command, write_options how = {});
  void write(std::string_view command, callback done, write_options how = {});
  // Nobody hears what becomes of it. Not `none`: nothing happened.
  raft_errc write_and_forget(std::string_view command);
  // Many commands in one call, next to each other in the log; one outcome, results in order.
  std::future<outcome> write_many(frames commands, write_options how = {});
  void write_many(frames commands, outcome_callback done, write_options how = {});
  // A barrier: done when all that the leader got before it was applied.
  std::future<outcome> write_blank(duration deadline = std::chrono::seconds(10));

  // -- reads ------------------------------------------------------------------------------------

  // Asks the machine. Linearizable: the answer reflects every write that was acknowledged before.
  std::future<reply> read(std::string_view query, read_mode mode = read_mode::linearizable);
  void read(std::string_view query, callback done, read_mode mode = read_mode::linearizable);
  // Afterwards this node's own machine reflects every write that was acknowledged before the call:
  // up to the index, or further. The deadline holds for each of its two steps, the leader's answer
  // and the wait here; outcome_unknown: one of them took longer.
  std::future<result<log_index>> ensure_linearizable(duration deadline = std::chrono::seconds(10));
  // Runs `look` on this node's machine, between two batches: a stale read, unless it comes after
  // ensure_linearizable. `machine_failed` when it threw; that harms nobody else.
  std::future<raft_errc> with_state_machine(std::function<void(const machine&)> look);

  // -- what is known, without asking an actor -----------------------------------------------------

  troupe::metrics metrics() const { return p_->board->get(); }
  // Waits for a condition on the metrics (until.h), at most for `patience`.
  std::future<waited> wait(condition holds, duration patience) const;
  // The same with a callback: an actor has it send a message to itself.
  void when(condition holds, duration patience, absl::AnyInvocable<void(waited)> done) const;
  // Until the log that was found at the start is committed and applied again.
  std::future<waited> wait_for_recovery(duration patience) const;

  progress_watch<log_id> watch_log() const;  // on disk
  progress_watch<vote> watch_vote() const;
  progress_watch<log_index> watch_commit() const;
  progress_watch<log_index> watch_snapshot() const;
  progress_watch<log_index> watch_apply() const;

  // -- leadership -------------------------------------------------------------------------------

  node_id current_leader() const { return metrics().leader.node; }  // 0 when none is known
  bool is_leader() const { return metrics().role == node_role::leader; }
  // This node's leadership: which, and when a write quorum was last known to follow it.
  struct leadership {
    leader_id id;
    instant quorum_acked;
  };
  std::optional<leadership> as_leader() const;
  // All three are called one after the other, by the herald, until the node has ended.
  // The leadership that this node knows of, and the one before; empty for none. The first call
  // tells the present one, if any.
  void on_cluster_leader_change(std::function<void(leader_id before, leader_id now)> changed);
  // This node's own leaderships: each `start` is followed by its `stop` before the next one, at the
  // end of the node at the latest. One that was over before it could be told is left out.
  void on_leader_change(std::function<void(leader_id)> start, std::function<void(leader_id)> stop);

  // -- the node ---------------------------------------------------------------------------------

  node_id id() const { return p_->id; }
  const node_config& config() const { return p_->config; }
  std::future<result<troupe::status>> status();
  // Starts a new cluster with these members on this node. Call it with the same members on each of
  // them: a node that belongs to no cluster grants no votes, so a majority of them must have heard
  // it before there is a leader. Idempotent; `not_allowed` on a node that belongs to another
  // cluster, `invalid` for members that make no quorum or lack this node.
  std::future<raft_errc> initialize(core::membership members);
  // Has a membership. False too for a moment after the start: wait for until::running() first.
  // What an operator may order, of any node: a change of the members, a transfer of the leadership,
  // an election, or that one of them is given up (messages.h). `patience` is for nodes to catch up.
  std::future<admin_reply> order(admin_command command,
                                 duration patience = std::chrono::seconds(10));
  bool is_initialized() const { return !metrics().members.empty(); }
  std::set<node_id> voter_ids() const { return metrics().members.voters(); }
  std::set<node_id> learner_ids() const { return metrics().members.learners(); }
  // Whether it stands for election by itself.
  std::future<raft_errc> enable_elections(bool on);
  // Whether it sends heartbeats while it leads. Without them its followers look for another leader.
  std::future<raft_errc> enable_heartbeats(bool on);
  // The program's own object of type T, made by T() when it is first asked for; one for all copies
  // of the handle. It must be thread safe by itself.
  template <class T>
  T& extension() {
    return p_->program.template get<T>();
  }

  // -- for actors -------------------------------------------------------------------------------

  // Holding it does not keep the node running.
  const server_actor& server() const { return p_->server; }

  // -- the end ----------------------------------------------------------------------------------

  // Ends the node's actors; what waits is answered. Returns when the log store has ended, so that
  // its files are closed. Idempotent. Never from a callback or an actor, which it would wait for:
  // they call stop().
  void shutdown();
  // The same without waiting; so does the destructor of the last handle.
  void stop();

 private:
  struct shared : parts {
    explicit shared(parts p) : parts(std::move(p)) {}
    ~shared();
    extensions program;
  };

  std::shared_ptr<shared> p_;
};

}  // namespace troupe
