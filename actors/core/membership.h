// Who takes part in a cluster: one quorum tree, or several while joint, and the address of every
// node.
//
// Takes effect when it is appended, not when it is committed (thesis 4.1).
#pragma once

#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "actors/core/quorum.h"
#include "actors/core/vote_order.h"
#include "proto/ids.h"

namespace troupe::core {

// What the cluster knows of one node.
struct member {
  std::string address;  // host:port of its raft port
  // Of its data directory: a random number that is drawn with it. A node that comes back with
  // another one has forgotten its promises and its log, so it is none of the cluster. 0: not known
  // yet, any will do.
  uint64_t incarnation = 0;
  uint32_t priority = 0;  // the greater, the rather it leads; a hint only

  bool operator==(const member&) const = default;
};

class membership {
 public:
  membership() = default;
  // Nodes in no config are learners. Does not check; see check().
  membership(std::vector<quorum> configs, std::map<node_id, member> nodes);
  membership(std::vector<quorum> configs, const std::map<node_id, std::string>& addresses);

  // The usual first membership: a majority of `addresses`.
  static membership of_majority(const std::map<node_id, std::string>& addresses);

  bool empty() const { return configs_.empty(); }
  bool joint() const { return configs_.size() > 1; }
  bool is_voter(node_id id) const;
  bool contains(node_id id) const { return nodes_.contains(id); }
  // 0 also when `id` takes no part.
  uint64_t incarnation_of(node_id id) const;
  // False when `id` is known with another data directory.
  bool admits(node_id id, uint64_t incarnation) const;
  std::set<node_id> voters() const;
  std::set<node_id> learners() const;
  const std::vector<quorum>& configs() const { return configs_; }
  // Every voter and learner.
  const std::map<node_id, member>& nodes() const { return nodes_; }

  // A quorum in every config (thesis 4.3). Never true while empty.
  bool satisfied(quorum_kind kind, absl::FunctionRef<bool(node_id)> present) const;
  // The least of what the configs hold, see quorum::held_by.
  uint64_t held_by(quorum_kind kind, absl::FunctionRef<uint64_t(node_id)> value) const;

  // Ok when every config is, every voter has an address, and ids are ≥ 1; kInvalidArgument with the
  // reason otherwise.
  absl::Status check(vote_mode mode) const;

  bool operator==(const membership&) const = default;

 private:
  std::vector<quorum> configs_;
  std::map<node_id, member> nodes_;
};

// majority(1,2,3) + majority(3,4,5) learners {6}
std::ostream& operator<<(std::ostream& out, const membership& m);

}  // namespace troupe::core
