// troupe::raft: everything that a program may ask of its node, in one handle.
//
// Cheap to copy and safe to use from any thread. Ordinary threads get futures or callbacks; actors
// send propose and read to server(), as plain messages or requests, and get one outcome for each.
//
// Every call has a deadline and is answered, and the answer is never a guess:
//
//   none             it is done
//   not_leader       nothing happened; ask the leader that comes with it, or again later
//   quorum_lost      nothing happened: the leader does not reach a write quorum; again later
//   busy             nothing happened: a bound was reached, here or at the leader; again later
//   read_only        nothing happened: the leader's disk is full; again when there is room
//   too_large        nothing happened, and nothing will: more than one call may bring
//   shutting_down, storage_failed, machine_failed
//                    this node has ended, in order or because of that. A command that is answered
//                    so was not taken; a query may be what made the machine throw
//   outcome_unknown  it may take effect or not: no answer came in time, or whoever had it ended
//
// Other codes are of single calls, see there and errors.h.
//
// Callbacks must not throw, block, or wait for a future of this handle. They run one at a time:
// those of writes and reads as intake.h says, those of waits and listeners as observed.h says. One
// that is refused at once is called on the caller's thread, before the call returns.
//
// The node runs until shutdown() or stop() is called or the last handle is gone.
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
#include "actors/slots.h"
#include "actors/until.h"
#include "caf/fwd.hpp"

namespace troupe {

// A write's or read's end, owning its result.
struct reply {
  raft_errc code = raft_errc::none;
  node_id leader;
  log_index index;
  std::string result;
  leader_id under;  // of a write that was applied: the leadership that put it into the log

  bool ok() const { return code == raft_errc::none; }
  log_id at() const { return {under, index}; }  // of a write that was applied
};

// A value, or why there is none.
template <class T>
struct result {
  raft_errc code = raft_errc::none;
  T value{};

  bool ok() const { return code == raft_errc::none; }
};

// How long a call waits for its answer unless it is told otherwise. Any duration does, max() too.
inline constexpr duration default_deadline = std::chrono::seconds(10);

struct write_options {
  // Refused with not_leader unless this leadership is the one that gets it: what a program decided
  // under one leadership never takes effect under another.
  leader_id only_under = {};
  // Then the outcome is unknown. It runs from the moment that the edge takes the command: behind
  // four messages that have no answer, it waits for one of them first.
  duration deadline = default_deadline;
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
    slots asked = slots(most_asked);
  };
  // At most so many questions and orders are under way at once: with_state_machine and what stands
  // under "the node" below. Beyond it they are `busy`, and so are waits beyond observed::most_waits
  // and writes and reads beyond intake::bound.
  static constexpr size_t most_asked = 1024;

  explicit raft(parts p) : p_(std::make_shared<shared>(std::move(p))) {}

  // -- writes -----------------------------------------------------------------------------------

  // Replicates one command; the result is the machine's, after a write quorum has the command
  // durably and this cluster's leader applied it. Commands of one thread keep their order.
  std::future<reply> write(std::string_view command, write_options how = {});
  void write(std::string_view command, callback done, write_options how = {});
  // Nobody hears what becomes of it. Not `none`: nothing happened.
  raft_errc write_and_forget(std::string_view command);
  // Many commands in one call, next to each other in the log; one outcome, results in order.
  std::future<outcome> write_many(frames commands, write_options how = {});
  void write_many(frames commands, outcome_callback done, write_options how = {});
  // A barrier: done when all that the leader got before it was applied.
  std::future<outcome> write_blank(duration deadline = default_deadline);

  // -- reads ------------------------------------------------------------------------------------

  // Asks the machine. Linearizable: the answer reflects every write that was acknowledged before.
  std::future<reply> read(std::string_view query, read_mode mode = read_mode::linearizable,
                          duration deadline = default_deadline);
  void read(std::string_view query, callback done, read_mode mode = read_mode::linearizable,
            duration deadline = default_deadline);
  // Afterwards this node's own machine reflects every write that was acknowledged before the call:
  // up to the index, or further. With `lease` the leader does not ask its followers, within the
  // bound on clock drift; other modes are `invalid`.
  std::future<result<log_index>> ensure_linearizable(duration deadline = default_deadline,
                                                     read_mode how = read_mode::linearizable);
  // Runs `look` on this node's machine, between two batches: a stale read, unless it comes after
  // ensure_linearizable. `machine_failed` when it threw; that harms nobody else. `busy`: the
  // machine did not come to it before the deadline, and will not call it. Once it runs, it is
  // waited for.
  std::future<raft_errc> with_state_machine(std::function<void(const machine&)> look,
                                            duration deadline = default_deadline);

  // -- what is known, without asking an actor -----------------------------------------------------

  troupe::metrics metrics() const { return p_->board->get(); }
  // Waits for a condition on the metrics (until.h), at most for `patience`. A condition must not
  // throw; it is judged where it holds already, after each change, and at the end.
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
  // All three are called one after the other, by the herald, until the node has ended. Not `none`:
  // nobody will be called, because too many listen (`busy`) or the node has ended.
  // The leadership that this node knows of, and the one before; empty for none. The first call
  // tells the present one, if any.
  raft_errc on_cluster_leader_change(std::function<void(leader_id before, leader_id now)> changed);
  // This node's own leaderships: each `start` is followed by its `stop` before the next one, at the
  // end of the node at the latest. One that was over before it could be told is left out.
  raft_errc on_leader_change(std::function<void(leader_id)> start,
                             std::function<void(leader_id)> stop);

  // -- the node ---------------------------------------------------------------------------------

  node_id id() const { return p_->id; }
  const node_config& config() const { return p_->config; }
  // The whole picture, asked of the actors: what metrics() tells, and each follower's state.
  std::future<result<troupe::status>> status(duration deadline = default_deadline);
  // Starts a new cluster with these members on this node. Call it with the same members on each of
  // them: a node that belongs to no cluster grants no votes, so a majority of them must have heard
  // it before there is a leader. It begins when the others have said that they have nothing either
  // (core/founding.h); while one does not answer it waits, the log says for whom, and a caller
  // whose deadline passes may call again, with other members too. Idempotent; `not_allowed` on a
  // node that belongs to another cluster or lost its disk, `invalid` for members that make no
  // quorum or lack this node. With `storage_failed` it may have been written.
  std::future<raft_errc> initialize(core::membership members, duration deadline = default_deadline);
  // What an operator may order, of any node: a change of the members, a transfer of the leadership,
  // an election, or that one of them is given up (messages.h). `patience` is for nodes to catch up;
  // the answer comes within both durations.
  std::future<admin_reply> order(admin_command command,
                                 duration patience = std::chrono::seconds(10),
                                 duration deadline = default_deadline);
  // Has a membership. False too for a moment after the start: wait for until::running() first.
  bool is_initialized() const { return !metrics().members.empty(); }
  std::set<node_id> voter_ids() const { return metrics().members.voters(); }
  std::set<node_id> learner_ids() const { return metrics().members.learners(); }
  // What may be switched while it runs; an actor sends `configure` to server().
  // Whether it stands for election by itself. When told (`elect`, a transfer) it does in any case.
  std::future<raft_errc> enable_elections(bool on, duration deadline = default_deadline);
  // Whether it sends heartbeats while it leads, now and later. Without them its followers look for
  // another leader as soon as nothing is written.
  std::future<raft_errc> enable_heartbeats(bool on, duration deadline = default_deadline);
  // When it makes snapshots from now on, what it keeps of its log then, and how it sends them.
  std::future<raft_errc> set_compaction(const core::compaction& policy,
                                        duration deadline = default_deadline);
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
  // its files are closed, or after `patience`: false then, and they end later. Idempotent. Never
  // from a callback or an actor, which it would wait for: they call stop().
  bool shutdown(duration patience = duration::max());
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
