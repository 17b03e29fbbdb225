// The flags of tools/node, checked.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "actors/core/membership.h"
#include "actors/dialer.h"
#include "actors/node_config.h"

namespace troupe::tools {

struct node_flags {
  node_id id{1};
  endpoint raft_address;    // where the others find it
  endpoint listen_address;  // where it listens for them
  endpoint client_address;
  std::string data_dir;
  core::membership cluster;  // empty when it joins one
  bool cluster_given = false;
  std::string join;       // a member's raft address, or empty
  std::string raft_text;  // raft_address, as the others are told
  bool voter = true;      // it joins to vote
  node_config config;
  uint64_t nodes_in_process = 1;
  bool sync = true;
  bool on_rocksdb = false;  // the state, see kv::rocksdb_machine
};

// What the command line asks for: one node, or several with --local_cluster. An error is one clear
// line.
absl::StatusOr<std::vector<node_flags>> read_flags();

// Parses the command line; a mistake in it ends the process with exit code 2 and one line.
void parse_command_line(int argc, char** argv);

// Verbosity of traces, from --log_level.
absl::StatusOr<int> log_level();

}  // namespace troupe::tools
