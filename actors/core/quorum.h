// Which sets of voters may elect and which may commit: a tree of weighted children with two
// thresholds at each group (Flexible Paxos, arXiv 1608.06696; hierarchical as in FlexiRaft).
//
// A child counts with its weight when it is satisfied: a voter when it is in the set, a group when
// the weights of its satisfied children reach the threshold. Majority is one such tree; so are
// weighted, zone and separate read/write quorums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "actors/core/vote_order.h"
#include "proto/ids.h"

namespace troupe::core {

// Elections are read quorums, commits are write quorums; reads and
// leases are confirmed by a write quorum.
enum class quorum_kind { read, write };

class quorum {
 public:
  struct child;

  // Bounds of a well-formed tree, so that no sum wraps and no recursion is deep.
  static constexpr size_t max_depth = 8;       // groups inside each other, the outermost counted
  static constexpr size_t max_children = 255;  // voters and groups in the whole tree
  static constexpr uint64_t max_weight = 1000;
  static constexpr size_t max_name = 32;  // bytes

  quorum() = default;
  // Does not check; see check().
  quorum(std::vector<child> children, uint64_t read_threshold, uint64_t write_threshold);

  // More than half of `voters`, each with weight 1, for both thresholds.
  static quorum majority(const std::set<node_id>& voters);

  // True when the nodes for which `present` says so form a quorum. A group without children or with
  // a threshold of 0 has none: an unchecked tree fails closed.
  bool satisfied(quorum_kind kind, absl::FunctionRef<bool(node_id)> present) const;

  // The greatest v such that the nodes whose value is ≥ v form a quorum: the commit rule (thesis
  // 3.5.1 with any quorum) and the clock of a lease. 0 when there is no quorum at all. Does not
  // allocate for groups of up to 16 children: it runs for every acknowledgement.
  uint64_t held_by(quorum_kind kind, absl::FunctionRef<uint64_t(node_id)> value) const;

  std::set<node_id> voters() const;
  bool contains(node_id id) const;

  // Ok when the tree is well-formed: within the bounds above, no group empty, all node ids and
  // weights ≥ 1, all thresholds from 1 to the weight of the group, no voter twice, names legal.
  // kInvalidArgument with the reason otherwise.
  absl::Status check_form() const;

  // Ok when the tree is well-formed, every read quorum meets every write quorum and, in standard
  // mode, read quorums meet each other. Exact: kInvalidArgument names two quorums that share no
  // voter, see disjoint.h.
  absl::Status check(vote_mode mode) const;

  const std::vector<child>& children() const { return children_; }
  uint64_t read_threshold() const { return read_threshold_; }
  uint64_t write_threshold() const { return write_threshold_; }

  uint64_t threshold(quorum_kind kind) const {
    return kind == quorum_kind::read ? read_threshold_ : write_threshold_;
  }

  bool operator==(const quorum& other) const;

 private:
  std::vector<child> children_;
  uint64_t read_threshold_ = 0;
  uint64_t write_threshold_ = 0;
};

struct quorum::child {
  uint64_t weight = 1;
  std::variant<node_id, quorum> kind;
  std::string name = {};  // a label, for instance of a zone, or empty

  bool operator==(const child&) const = default;
};

// The canonical text, see quorum_text.h.
std::ostream& operator<<(std::ostream& out, const quorum& q);

}  // namespace troupe::core
