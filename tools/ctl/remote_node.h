// A node of a running cluster, reached at its raft address as a CAF remote actor, for a program
// that blocks. Everything has a deadline. Unlike a peer_link it never connects again: an operator
// wants the reason at once.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "actors/dialer.h"
#include "actors/interfaces.h"
#include "caf/scoped_actor.hpp"

namespace troupe::tools {

class remote_node {
 public:
  // Why there is no connection is in the error, in one line.
  static absl::StatusOr<remote_node> connect(caf::actor_system& system, const std::string& address,
                                             duration patience);

  // Nothing when no answer came in time: what was asked for may have been done.
  template <class Reply, class Request>
  std::optional<Reply> ask(Request m, duration patience) {
    caf::scoped_actor self{*system_};
    std::optional<Reply> answer;
    self->request(node_, patience, std::move(m))
        .receive([&](Reply& reply) { answer = std::move(reply); }, [](const caf::error&) {});
    return answer;
  }

 private:
  remote_node(caf::actor_system& system, peer_actor node)
      : system_(&system), node_(std::move(node)) {}

  caf::actor_system* system_;
  peer_actor node_;
};

}  // namespace troupe::tools
