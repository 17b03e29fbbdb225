#include "actors/remote.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "actors/peer_link.h"
#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "caf/io/middleman.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/check.h"

namespace troupe {

void prepare_remote(caf::actor_system_config& config, const core::timing& timing) {
  prepare(config);
  config.load<caf::io::middleman>();
  // More often breaks handshakes; the timeout leaves room for a machine that is busy.
  config.set("middleman.heartbeat-interval", caf::timespan(std::chrono::milliseconds(100)));
  config.set("middleman.connection-timeout",
             caf::timespan(std::max<duration>(timing.rpc_timeout(), std::chrono::seconds(1))));
  // Deserialise in the middleman's thread: a hop less for each message.
  config.set("middleman.workers", size_t{0});
}

resolver remote_resolver(caf::actor_system& system, const core::timing& timing) {
  TROUPE_CHECK(system.has_middleman(), "nodes that talk over TCP need prepare_remote");
  return [&system, timing](const server_actor& owner, node_id id,
                           const std::string& address) -> peer_actor {
    peer_link_options o;
    o.owner = owner;
    o.peer = id;
    o.address = address;
    o.timing = timing;
    o.seed = std::random_device{}();
    return system.spawn(peer_link_behavior, std::move(o));
  };
}

absl::StatusOr<uint16_t> publish(const raft& node, caf::actor_system& system, const endpoint& at) {
  const auto port =
      system.middleman().publish(peer_actor{node.server()}, at.port, at.host.c_str(), true);
  if (port) return *port;
  return absl::UnavailableError(
      absl::StrCat(at.host, ":", at.port, ": cannot listen: ", system.render(port.error())));
}

}  // namespace troupe
