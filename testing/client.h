// A simulated client: it sends writes and reads to nodes of its choice, over links that fail, and
// tells the oracle what it heard. It follows hints to the leader most of the time.
#pragma once

#include <map>

#include "actors/interfaces.h"
#include "caf/event_based_actor.hpp"
#include "caf/stateful_actor.hpp"
#include "testing/dice.h"
#include "testing/oracle.h"

namespace troupe::sim {

struct client_options {
  uint64_t number = 0;
  dice* chance = nullptr;
  oracle* truth = nullptr;
  std::map<node_id, peer_actor> links;
  const bool* stopped = nullptr;  // by the simulation: begin nothing more
  size_t most_open = 2;           // operations at once
  duration think_min = std::chrono::milliseconds(1);
  duration think_max = std::chrono::milliseconds(30);
  size_t padding_max = 100;
  std::vector<read_mode> reads{read_mode::linearizable};  // one of them each time
};

struct client_tick {};

struct client_state {
  static inline const char* name = "client";
  client_options options;
  node_id target;
  size_t open = 0;
  uint64_t requests = 0;
};

caf::behavior client(caf::stateful_actor<client_state>* self, client_options options);

}  // namespace troupe::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::sim::client_tick)
