// What operators write where nodes are meant.
#pragma once

#include <map>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "actors/core/membership.h"

namespace troupe::tools {

// Each of these answers kInvalidArgument with one line for what is none.

// A node id, from 1.
absl::StatusOr<node_id> parse_id(absl::string_view word);
// host:port at which other hosts reach the node
absl::StatusOr<std::string> parse_address(absl::string_view word);
// ID or ID=host:port, none twice; without an address where none is given.
absl::StatusOr<std::map<node_id, core::member>> parse_nodes(std::span<const std::string> words);
// As log ids are printed: T3.N1/57 is index 57, written by node 1 in term 3.
absl::StatusOr<log_id> parse_log_id(absl::string_view word);

}  // namespace troupe::tools
