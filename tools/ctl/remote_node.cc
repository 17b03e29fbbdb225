#include "tools/ctl/remote_node.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "caf/actor_system.hpp"
#include "caf/atom.hpp"
#include "caf/io/basp_broker.hpp"
#include "caf/io/middleman.hpp"
#include "caf/io/network/multiplexer.hpp"
#include "caf/io/scribe.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe::tools {
namespace {

// What CAF's handshake tells of the other side.
struct greeting {
  caf::strong_actor_ptr published;
  std::set<std::string> interface;
};

// The socket goes to CAF's BASP broker, which shakes hands on it, as in peer_link.
std::optional<greeting> shake_hands(caf::actor_system& system, int fd, duration patience) {
  caf::scoped_actor self{system};
  auto& middleman = system.middleman();
  auto broker = middleman.named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  std::optional<greeting> answer;
  self->request(broker, patience, caf::connect_atom_v, middleman.backend().new_scribe(fd),
                uint16_t{0})
      .receive(
          [&](caf::node_id&, caf::strong_actor_ptr& published, std::set<std::string>& interface) {
            answer = greeting{std::move(published), std::move(interface)};
          },
          [](const caf::error&) {});
  return answer;
}

}  // namespace

absl::StatusOr<remote_node> remote_node::connect(caf::actor_system& system,
                                                 const std::string& address, duration patience) {
  const auto at = parse_endpoint(address);
  if (!at) return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not host:port"));
  auto socket = dial(*at, patience);
  if (!socket.ok()) return socket.status();
  auto found = shake_hands(system, (*socket)->take(), patience);
  if (!found)
    return absl::UnavailableError(
        absl::StrCat(address, ": no Troupe node answers there; is it a node's raft address?"));
  if (!found->published ||
      !system.assignable(found->interface, system.message_types<first_peer_actor>()))
    return absl::FailedPreconditionError(
        absl::StrCat(address, ": what answers there is no Troupe node of a version known to me"));
  return remote_node(system, caf::actor_cast<peer_actor>(found->published));
}

}  // namespace troupe::tools
