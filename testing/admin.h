// A simulated operator: it orders what it thinks of (orders.h) at any node, over links that fail.
#pragma once

#include <functional>
#include <map>

#include "actors/interfaces.h"
#include "caf/event_based_actor.hpp"
#include "caf/stateful_actor.hpp"
#include "testing/orders.h"

namespace troupe::sim {

struct admin_options {
  dice* chance = nullptr;
  std::map<node_id, peer_actor> links;
  std::function<outlook()> believes;
  std::function<void(const order&, const admin_reply&)> heard;
  // By the simulation: from now on only repair what is lost.
  const bool* calm = nullptr;
  duration think{0};  // the mean time between two orders
};

struct admin_tick {};

struct admin_state {
  static inline const char* name = "admin";
  admin_options options;
  uint64_t requests = 0;
  raft_errc last = raft_errc::none;
};

caf::behavior admin(caf::stateful_actor<admin_state>* self, admin_options options);

}  // namespace troupe::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::sim::admin_tick)
