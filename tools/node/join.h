// How an empty node becomes a member of a running cluster (--join).
//
// It asks any member to be added as a learner, waits until the cluster's log has reached it, and
// then asks to vote. Whatever fails, it says why, once, and tries again, for ever: a node that
// waits is easier to operate than one that gave up.
#pragma once

#include <functional>

#include "actors/alarm.h"
#include "actors/core/backoff.h"
#include "actors/interfaces.h"
#include "caf/event_based_actor.hpp"
#include "caf/stateful_actor.hpp"

namespace troupe::tools {

struct join_options {
  node_id id;
  std::string address;       // where the others shall look for this node
  uint64_t incarnation = 0;  // of its data directory
  bool voter = true;         // or a learner for good
  server_actor server;       // this node's own
  peer_actor door;           // the link to the member that is asked first, ended with the joining
  std::string door_address;
  std::function<void()> on_joined;  // called once, from any thread
};

class join {
 public:
  using self_ptr = caf::event_based_actor*;

  join(self_ptr self, join_options options);

  void on_tick(const tick& t);

 private:
  using step = void (join::*)();

  // The steps, in this order.
  void look();
  void look_at_cluster();
  void ask_to_be_added();
  void catch_up();
  void ask_to_vote();
  void finish();

  void judge(const status& cluster);
  template <class Reply, class Target, class Request, class Then>
  void ask(const Target& whom, Request request, step otherwise, const char* failed, Then then);
  void on_answer(const admin_reply& reply, step next, step otherwise);
  // Later, and says what it waits for, unless it said so last or has only just begun.
  void again(step next, const std::string& why);

  self_ptr self_;
  join_options options_;
  instant began_;
  std::string said_;
  step next_ = nullptr;
  alarm retry_;
  core::backoff backoff_;
};

struct join_state {
  static inline const char* name = "join";
  std::unique_ptr<join> me;
};

// Ends when the node is what it wants to be, or with the server.
caf::behavior join_behavior(caf::stateful_actor<join_state>* self, join_options options);

}  // namespace troupe::tools
