// The edge actor and its intake: how ordinary threads reach their node.
//
// CAF makes a promise for each put slow, so the edge gathers: threads push into the intake, the
// first push wakes the edge, and the edge proposes all that is there as one message. One outcome
// with many results comes back and every waiting callback is called. A lone put never waits; a
// crowd is batched by itself.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "actors/interfaces.h"

namespace troupe {

// What became of one command or query. `result` is valid during the call only.
struct answer {
  raft_errc code = raft_errc::none;
  node_id leader;   // with not_leader: where to go, when known
  log_index index;  // of the outcome that it came with
  std::string_view result;
};
// Runs once, on a scheduler thread or, where nothing was taken, on the caller's before the call
// returns: keep it short and never block in it.
using callback = absl::AnyInvocable<void(const answer&)>;

// Items of one kind on their way to the edge, each with its callback. Thread safe.
class intake {
 public:
  struct load {
    frames items;
    std::vector<callback> callbacks;
  };

  enum class pushed { first, more, full, too_large, closed };
  // `first`: the edge must be woken. `full`: over the bound for now, `too_large`: for ever;
  // `closed`: the node has ended. Of these three nothing was taken, `done` included.
  pushed push(std::string_view item, callback&& done);
  // The edge takes what is there, and must be woken for what comes later.
  load take();
  // The edge is at work and will take what comes without being woken.
  void rouse();
  // Gives what waits and takes nothing any more.
  load close();

 private:
  std::mutex mutex_;
  load load_;
  bool awake_ = false;  // the edge will come
  bool closed_ = false;
};

// Both intakes of a node; shared by all copies of its handle.
struct intakes {
  intake writes;
  intake reads;
};

struct wake {};

using edge_actor = caf::typed_actor<caf::reacts_to<wake>>;

struct edge_options {
  std::shared_ptr<intakes> from;
  server_actor server;
  node_id node;
  duration deadline = std::chrono::seconds(10);  // then a write's outcome is unknown
};

class edge {
 public:
  using self_ptr = edge_actor::pointer;

  edge(self_ptr self, edge_options options) : self_(self), options_(std::move(options)) {}
  // Calls every callback that still waits.
  ~edge();

  void on_wake();

 private:
  using loads = std::map<request_id, intake::load>;

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

}  // namespace troupe

TROUPE_LOCAL_MESSAGE(wake)
