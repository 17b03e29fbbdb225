// Nodes that talk over TCP, with CAF's remote actors.
//
// The port trusts whoever connects, and CAF's own protocol can be crashed by a stranger (see
// README.md): keep it on a network that only your nodes can reach.
#pragma once

#include "absl/status/statusor.h"
#include "actors/core/timing.h"
#include "actors/dialer.h"
#include "actors/node.h"
#include "caf/fwd.hpp"

namespace troupe {

// `prepare`, and CAF's middleman with heartbeats, so that a peer that fell silent is noticed.
void prepare_remote(caf::actor_system_config& config, const core::timing& timing);

// Spawns a peer_link for each peer. `system` must outlive it, and its config `prepare_remote` must
// have seen.
resolver remote_resolver(caf::actor_system& system, const core::timing& timing);

// Lets other nodes reach this one; the port that was bound (`at.port` may be 0).
absl::StatusOr<uint16_t> publish(const raft& node, caf::actor_system& system, const endpoint& at);

}  // namespace troupe
