// One node of this process with all that it needs: actor system, disk, network, Redis gateway.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "actors/raft.h"
#include "tools/node/options.h"

namespace troupe::tools {

class host {
 public:
  // Called from any thread.
  struct events {
    std::function<void()> failed;  // the node ended by itself: its disk failed
    std::function<void()> joined;  // a node that joins a cluster is in it, see join.h
  };

  // Serves when it returns. On an error the data directory may have been created and given its
  // first membership. kAborted: it had begun and ended by itself, as it may at any time.
  static absl::StatusOr<std::unique_ptr<host>> start(const node_flags& flags, events on);
  // Whether the node is on its way into a cluster, so that `joined` tells when it is ready.
  virtual bool joining() const = 0;
  // Whether it is the only member of its cluster.
  virtual bool alone() = 0;
  // Whether this node knows who leads right now.
  virtual bool leader_known() = 0;
  // Leaves quietly: if it leads, has another node lead, and answers what its clients have asked.
  // For two election timeouts at most, each. Then it may end.
  virtual void retire() = 0;
  // Ends the node; its files are flushed and closed.
  virtual ~host() = default;
};

}  // namespace troupe::tools
