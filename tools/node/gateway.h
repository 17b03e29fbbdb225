// The Redis gateway: a CAF broker that listens, and one broker for each connection.
//
// What one read from a socket brings goes to the node as one proposal for each run of writes, so
// that a client that pipelines is batched by itself. A connection holds a bounded number of bytes:
// beyond it, the socket is not read until answers went out. All of them together hold a bounded
// number of bytes of answers (tools/resp/budget.h). Who takes nothing of his for the time of the
// deadline, while others wait for room, is hung up on.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "actors/dialer.h"
#include "actors/raft.h"
#include "caf/actor.hpp"
#include "caf/fwd.hpp"

namespace troupe::tools {

struct gateway_options {
  endpoint at;
  std::string machine;  // where it keeps the state, for STATUS
  size_t max_connections = 20000;
  duration deadline = std::chrono::seconds(10);  // then a write's outcome is unknown
  size_t answer_bytes = 128 << 20;               // of all connections, asked for or not sent
};

// Serves until the node ends, or drain().
absl::StatusOr<caf::actor> serve_redis(caf::actor_system& system, const raft& node,
                                       const gateway_options& options);

// Takes no more connections and commands, answers what it has read, and closes. Returns when that
// is done, or when the patience is over.
void drain(caf::actor_system& system, const caf::actor& gateway, duration patience);

}  // namespace troupe::tools
