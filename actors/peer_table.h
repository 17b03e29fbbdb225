// The other members and how to talk to each of them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "actors/core/membership.h"
#include "actors/interfaces.h"

namespace troupe {

// Gives a handle to talk to a peer with: a peer_link to a remote server, or a server in this
// process. What it spawns must end with `owner`, the server that asks.
using resolver =
    std::function<peer_actor(const server_actor& owner, node_id, const std::string& address)>;

class peer_table {
 public:
  // Everybody but `self`. Keeps the handles of those whose address is the same.
  void update(const core::membership& members, node_id self, const server_actor& owner,
              const resolver& resolve) {
    std::map<node_id, entry> next;
    for (const auto& [id, node] : members.nodes()) {
      if (id == self) continue;
      const auto known = peers_.find(id);
      const bool same = known != peers_.end() && known->second.address == node.address;
      next.emplace(id,
                   same ? known->second : entry{node.address, resolve(owner, id, node.address)});
    }
    peers_ = std::move(next);
  }

  // Null for a stranger, and for whom the resolver did not know.
  peer_actor find(node_id id) const {
    const auto it = peers_.find(id);
    return it == peers_.end() ? peer_actor{} : it->second.handle;
  }

  std::map<node_id, peer_actor> all() const {
    std::map<node_id, peer_actor> handles;
    for (const auto& [id, peer] : peers_) handles.emplace(id, peer.handle);
    return handles;
  }

 private:
  struct entry {
    std::string address;
    peer_actor handle;
  };
  std::map<node_id, entry> peers_;
};

}  // namespace troupe
