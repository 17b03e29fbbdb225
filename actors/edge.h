// The edge actor: brings what ordinary threads want to their node.
//
// CAF makes a promise for each put slow, so the edge gathers: threads push into the intake, the
// first push wakes the edge, and the edge proposes all that is there as one message. One outcome
// with many results comes back and every waiting callback is called. A lone put never waits; a
// crowd is batched by itself.
#pragma once

#include <map>
#include <memory>

#include "actors/intake.h"
#include "actors/interfaces.h"
#include "actors/observed.h"
#include "caf/actor.hpp"

namespace troupe {

struct wake {};

using edge_actor = caf::typed_actor<caf::reacts_to<wake>, caf::reacts_to<committed>>;

struct edge_options {
  std::shared_ptr<intakes> from;
  server_actor server;
  node_id node;
  std::shared_ptr<observed> board;
  // The edge ends when the last of these has ended, so that it hears all outcomes.
  std::vector<caf::actor> outlives;
};

class edge {
 public:
  using self_ptr = edge_actor::pointer;

  edge(self_ptr self, edge_options options) : self_(self), options_(std::move(options)) {}
  // Calls every callback that still waits.
  ~edge();

  void on_wake();
  void on_committed(const committed& m);

 private:
  using loads = std::map<request_id, intake::load>;

  void send_writes();
  void send_reads();
  template <class Message>
  void submit(intake::load load, loads& under_way, Message message);
  void finish(loads& under_way, request_id id, const outcome& o);
  request_id next_id();

  self_ptr self_;
  edge_options options_;
  uint64_t requests_ = 0;
  loads writes_;
  loads reads_;
};

struct edge_state {
  static inline const char* name = "edge";
  std::unique_ptr<edge> me;
};

edge_actor::behavior_type edge_behavior(edge_actor::stateful_pointer<edge_state> self,
                                        edge_options options);

// What an error that the server did not choose says about the request.
raft_errc code_of_failure(const caf::error& e, const observed& board);
// What the end of a wait says about it.
raft_errc code_of(waited how, const observed& board);

}  // namespace troupe

TROUPE_LOCAL_MESSAGE(wake)
