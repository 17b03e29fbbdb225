// Builds the tree of actors that is one node, and picks how each is spawned.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "actors/machine.h"
#include "actors/node_config.h"
#include "actors/raft.h"
#include "actors/server.h"
#include "caf/actor_system_config.hpp"
#include "storage/log_storage.h"
#include "storage/snapshot_store.h"

namespace troupe {

struct node_options : node_config {
  node_id id{1};
  std::shared_ptr<storage::log_storage> storage;
  // Null: the node makes no snapshots, takes none, and keeps its whole log.
  std::shared_ptr<storage::snapshot_store> snapshots;
  bool storage_blocks = true;  // both wait for a disk: give their actors threads of their own
  std::shared_ptr<troupe::machine> machine;
  resolver resolve;
  core::membership genesis;  // for a node that has no membership yet; empty: wait to be initialised
  uint64_t seed = 0;         // 0: a random one
};

// Whether a node can be made of it; as check(node_config) otherwise.
absl::Status check(const node_options& options);

// Starts a node, if check() lets it. `system` must outlive it and must have been made from a config
// that `prepare` saw.
absl::StatusOr<raft> start_node(caf::actor_system& system, node_options options);

// Registers what travels between nodes and sets the scheduler as Troupe needs it. Does not load
// CAF's middleman; see remote.h for nodes that talk over TCP.
void prepare(caf::actor_system_config& config);

}  // namespace troupe
