// troupe::raft: everything that a program may ask of its node, in one handle.
//
// Cheap to copy and safe to use from any thread. Ordinary threads write and read with futures or
// callbacks; actors send propose and read to server(), as plain messages or requests, and get one
// outcome for each. The handle keeps its node alive until shutdown() was called.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "actors/edge.h"
#include "actors/interfaces.h"
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

class raft {
 public:
  struct parts {
    caf::actor_system* system;
    node_id id;
    server_actor server;
    log_store_actor store;
    state_machine_actor machine;
    edge_actor edge;
    std::shared_ptr<intakes> inputs;
  };

  explicit raft(parts p) : p_(std::make_shared<parts>(std::move(p))) {}

  node_id id() const { return p_->id; }

  // -- for ordinary threads ---------------------------------------------------------------------

  // Replicates one command; the result is the machine's, after a write quorum has the command
  // durably and this cluster's leader applied it. Commands of one thread keep their order. `busy`
  // when too much waits.
  std::future<reply> write(std::string_view command);
  void write(std::string_view command, callback done);
  // Many commands in one call, next to each other in the log; one future for all, results in order.
  std::future<outcome> write_many(frames commands);

  // Asks the machine, linearizably: the answer reflects every write that was acknowledged before.
  std::future<reply> read(std::string_view query);
  void read(std::string_view query, callback done);

  std::future<troupe::status> status();
  // Starts a new cluster with these members on this node. Call it with the same members on each of
  // them: a node that belongs to no cluster grants no votes, so a majority of them must have heard
  // it before there is a leader. Idempotent; `not_allowed` on a node that belongs to another
  // cluster, `invalid` for members that make no quorum or lack this node.
  std::future<raft_errc> initialize(core::membership members);

  // -- for actors -------------------------------------------------------------------------------

  const server_actor& server() const { return p_->server; }

  // Ends the node's actors; what waits is answered. Returns when the log store has ended, so that
  // its files are closed. Idempotent.
  void shutdown();

 private:
  std::shared_ptr<parts> p_;
};

}  // namespace troupe
