// The cluster under test: N nodes in this process. Over no network or over loopback TCP, in memory
// or on disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/raft.h"

namespace troupe::bench {

struct cluster_options {
  size_t members = 3;
  bool tcp = false;      // each node has an actor system of its own, CAF's remote actors in between
  std::string disk_dir;  // the durable engine, below this directory; empty: in memory
  size_t threads = 0;    // of each scheduler; 0: one for each core
};

class cluster {
 public:
  // Serves when it returns: there is a leader.
  static absl::StatusOr<std::unique_ptr<cluster>> start(const cluster_options& options);
  virtual ~cluster() = default;

  // The node that leads.
  virtual raft& leader() = 0;
};

}  // namespace troupe::bench
