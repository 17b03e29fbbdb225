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
  // Serves when it returns. On an error the data directory may have been created and given its
  // first membership. `on_failure` is called, from any thread, when the node ends by itself: its
  // disk failed.
  static absl::StatusOr<std::unique_ptr<host>> start(const node_flags& flags,
                                                     std::function<void()> on_failure);
  // Whether this node knows who leads right now.
  virtual bool leader_known() = 0;
  // Ends the node; its files are flushed and closed.
  virtual ~host() = default;
};

}  // namespace troupe::tools
