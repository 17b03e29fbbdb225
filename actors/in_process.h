// A network for nodes that live in one process: the resolver hands out the servers themselves, so
// messages are not encoded and batches are shared. Register every node before the first of them is
// initialised.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "actors/raft.h"
#include "actors/server.h"

namespace troupe {

class in_process_network {
 public:
  // Thread safe, like resolve.
  void add(const raft& node) {
    std::lock_guard lock(mutex_);
    servers_.insert_or_assign(node.id(), node.server());
  }

  // For node_options; holds the network alive. A node that was not added resolves to nobody.
  static resolver resolver_of(std::shared_ptr<in_process_network> network) {
    return [network](const server_actor&, node_id id, const std::string&) -> peer_actor {
      std::lock_guard lock(network->mutex_);
      const auto it = network->servers_.find(id);
      return it == network->servers_.end() ? peer_actor{} : peer_actor{it->second};
    };
  }

 private:
  std::mutex mutex_;
  std::map<node_id, server_actor> servers_;
};

}  // namespace troupe
