// The cluster under test: N nodes in one process, in memory, with no network between them.
#pragma once

#include <memory>
#include <vector>

#include "actors/in_process.h"
#include "actors/node.h"
#include "caf/actor_system.hpp"

namespace troupe::bench {

class cluster {
 public:
  // Blocks until there is a leader.
  cluster(caf::actor_system& system, size_t members);
  ~cluster();

  // The node that leads.
  raft& leader() { return nodes_[leader_]; }

 private:
  void await_leader();

  std::shared_ptr<in_process_network> network_ = std::make_shared<in_process_network>();
  std::vector<raft> nodes_;
  size_t leader_ = 0;
};

}  // namespace troupe::bench
