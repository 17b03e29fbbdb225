// A peer_link's stand-in over the simulated network: one for each sender and receiver.
//
// Each direction of each request and reply may be lost, delayed, duplicated, overtaken, refused as
// unreachable, or cut off while it is on its way. Some messages go through the wire format. Client
// messages are not duplicated: they travel on TCP, and there is nothing else that would tell copies
// apart.
#pragma once

#include <functional>

#include "actors/interfaces.h"
#include "testing/network.h"

namespace troupe::sim {

// Internal to the link: something arrives.
struct arrival {
  std::function<void()> happens;
};

using link_actor = peer_actor::extend<reacts_to<arrival>>;

struct link_state {
  static inline const char* name = "link";
};

link_actor::behavior_type faulty_link(link_actor::stateful_pointer<link_state> self, network* net,
                                      endpoint from, node_id to);

}  // namespace troupe::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::sim::arrival)
