#include "actors/core/member_change.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/check.h"

namespace troupe::core {
namespace {

using nodes_by_id = std::map<node_id, member>;

template <class... Words>
absl::Status refuse(const Words&... why) {
  return absl::InvalidArgumentError(absl::StrCat(why...));
}

std::set<node_id> ids_of(const nodes_by_id& nodes) {
  std::set<node_id> ids;
  for (const auto& [id, node] : nodes) ids.insert(id);
  return ids;
}

// Only the membership that is in force knows which data directory a node has.
nodes_by_id with_incarnations_of(const membership& current, nodes_by_id nodes) {
  for (auto& [id, node] : nodes) node.incarnation = current.incarnation_of(id);
  return nodes;
}

bool stands_in(const membership& m, const quorum& tree) {
  return std::ranges::find(m.configs(), tree) != m.configs().end();
}

// A uniform membership in the making.
class draft {
 public:
  draft(membership base, bool retain)
      : quorum_(base.configs().back()), nodes_(base.nodes()), retain_(retain) {}

  absl::Status apply(const member_change& change);
  membership result() && { return membership({std::move(quorum_)}, std::move(nodes_)); }

 private:
  absl::Status add_voters(const nodes_by_id& added);
  absl::Status remove_voters(const nodes_by_id& removed);
  absl::Status replace_voters(const nodes_by_id& voters);
  absl::Status set_nodes(const nodes_by_id& named);
  absl::Status remove_nodes(const nodes_by_id& removed);
  absl::Status replace_nodes(const nodes_by_id& members);
  absl::Status set_quorum(const quorum& next, const nodes_by_id& joining);
  absl::Status set_priorities(const nodes_by_id& named);

  absl::Status join(const nodes_by_id& joining);
  absl::Status expect_members(const nodes_by_id& named) const;
  absl::Status change_majority(const std::set<node_id>& voters);
  void decide_by(quorum next);

  quorum quorum_;
  nodes_by_id nodes_;
  const bool retain_;
};

absl::Status draft::apply(const member_change& change) {
  switch (change.what) {
    case member_change::kind::add_voters:
      return add_voters(change.nodes);
    case member_change::kind::remove_voters:
      return remove_voters(change.nodes);
    case member_change::kind::replace_voters:
      return replace_voters(change.nodes);
    case member_change::kind::add_nodes:
      return join(change.nodes);
    case member_change::kind::set_nodes:
      return set_nodes(change.nodes);
    case member_change::kind::remove_nodes:
      return remove_nodes(change.nodes);
    case member_change::kind::replace_nodes:
      return replace_nodes(change.nodes);
    case member_change::kind::set_quorum:
      return set_quorum(change.quorum, change.nodes);
    case member_change::kind::set_priorities:
      return set_priorities(change.nodes);
  }
  return refuse("unknown change ", static_cast<int>(change.what));
}

absl::Status draft::add_voters(const nodes_by_id& added) {
  if (auto status = join(added); !status.ok()) return status;
  auto voters = quorum_.voters();
  voters.merge(ids_of(added));
  return change_majority(voters);
}

absl::Status draft::remove_voters(const nodes_by_id& removed) {
  auto voters = quorum_.voters();
  for (const auto& [id, node] : removed)
    if (voters.erase(id) == 0) return refuse("node ", id.value, " is not a voter");
  return change_majority(voters);
}

absl::Status draft::replace_voters(const nodes_by_id& voters) {
  if (auto status = join(voters); !status.ok()) return status;
  decide_by(quorum::majority(ids_of(voters)));
  return absl::OkStatus();
}

absl::Status draft::set_nodes(const nodes_by_id& named) {
  for (const auto& [id, node] : named) {
    if (node.address.empty()) return refuse("node ", id.value, " is given no address");
    nodes_.try_emplace(id, node).first->second.address = node.address;
  }
  return absl::OkStatus();
}

absl::Status draft::remove_nodes(const nodes_by_id& removed) {
  if (auto status = expect_members(removed); !status.ok()) return status;
  auto voters = quorum_.voters();
  for (const auto& [id, node] : removed) voters.erase(id);
  if (auto status = change_majority(voters); !status.ok()) return status;
  for (const auto& [id, node] : removed) nodes_.erase(id);
  return absl::OkStatus();
}

absl::Status draft::replace_nodes(const nodes_by_id& members) {
  std::erase_if(nodes_, [&](const auto& known) {
    return !members.contains(known.first) && !quorum_.contains(known.first);
  });
  return join(members);
}

absl::Status draft::set_quorum(const quorum& next, const nodes_by_id& joining) {
  nodes_by_id all = joining;
  for (node_id voter : next.voters()) all.try_emplace(voter);
  if (auto status = join(all); !status.ok()) return status;
  decide_by(next);
  return absl::OkStatus();
}

absl::Status draft::set_priorities(const nodes_by_id& named) {
  if (auto status = expect_members(named); !status.ok()) return status;
  for (const auto& [id, node] : named) nodes_[id].priority = node.priority;
  return absl::OkStatus();
}

// Never overwrites who is a member already.
absl::Status draft::join(const nodes_by_id& joining) {
  for (const auto& [id, node] : joining)
    if (nodes_.try_emplace(id, node).second && node.address.empty())
      return refuse("node ", id.value, " is not a member and has no address");
  return absl::OkStatus();
}

absl::Status draft::expect_members(const nodes_by_id& named) const {
  for (const auto& [id, node] : named)
    if (!nodes_.contains(id)) return refuse("node ", id.value, " is not a member");
  return absl::OkStatus();
}

// What weight, zone and threshold a voter of another quorum should have is not ours to guess.
absl::Status draft::change_majority(const std::set<node_id>& voters) {
  const auto before = quorum_.voters();
  if (voters == before) return absl::OkStatus();
  if (quorum_ != quorum::majority(before))
    return refuse("the quorum is not a majority of single nodes: change its voters by set_quorum");
  decide_by(quorum::majority(voters));
  return absl::OkStatus();
}

void draft::decide_by(quorum next) {
  const auto before = std::exchange(quorum_, std::move(next)).voters();
  if (retain_) return;
  for (node_id voter : before)
    if (!quorum_.contains(voter)) nodes_.erase(voter);
}

// Most likely a typing error, and the cluster would count one node twice.
absl::Status expect_distinct_addresses(const nodes_by_id& nodes) {
  std::map<std::string, node_id> owners;
  for (const auto& [id, node] : nodes)
    if (const auto [owner, fresh] = owners.try_emplace(node.address, id); !fresh)
      return refuse("nodes ", owner->second.value, " and ", id.value, " have the same address ",
                    node.address);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<membership> goal_of(const membership& current,
                                   std::span<const member_change> changes, bool retain,
                                   vote_mode mode) {
  if (current.empty()) return refuse("there is no membership yet");
  draft next(way_out(current), retain);
  for (const auto& change : changes)
    if (auto status = next.apply(change); !status.ok()) return status;
  membership goal = std::move(next).result();
  if (goal.voters().empty()) return refuse("no voters left");
  if (auto status = goal.check(mode); !status.ok()) return status;
  if (auto status = expect_distinct_addresses(goal.nodes()); !status.ok()) return status;
  return membership(goal.configs(), with_incarnations_of(current, goal.nodes()));
}

std::optional<membership> next_step(const membership& current, const membership& goal,
                                    absl::FunctionRef<bool(node_id)> ready) {
  TROUPE_CHECK(!current.empty(), "who has no membership leads nobody");
  TROUPE_CHECK(goal.configs().size() == 1, "a goal is uniform");
  const quorum& wanted = goal.configs().front();
  const auto nodes = with_incarnations_of(current, goal.nodes());
  if (reached(current, goal)) return std::nullopt;
  if (stands_in(current, wanted)) return membership({wanted}, nodes);

  // Nobody leaves before the goal alone decides.
  auto everybody = nodes;
  everybody.insert(current.nodes().begin(), current.nodes().end());
  const auto may_vote = [&](node_id id) {
    return current.is_voter(id) || (current.contains(id) && ready(id));
  };
  if (std::ranges::all_of(wanted.voters(), may_vote))
    return membership({current.configs().back(), wanted}, std::move(everybody));
  // Ahead of the joint step: a node may need its new address to catch up.
  if (everybody == current.nodes()) return std::nullopt;
  return membership(current.configs(), std::move(everybody));
}

bool can_follow(const membership& goal, absl::FunctionRef<bool(node_id)> ready) {
  return goal.satisfied(quorum_kind::read, ready) && goal.satisfied(quorum_kind::write, ready);
}

bool reached(const membership& current, const membership& goal) {
  return current.configs() == goal.configs() &&
         current.nodes() == with_incarnations_of(current, goal.nodes());
}

membership way_back(const membership& current) {
  return current.joint() ? membership({current.configs().front()}, current.nodes()) : current;
}

membership way_out(const membership& current) {
  return current.joint() ? membership({current.configs().back()}, current.nodes()) : current;
}

bool coherent(std::span<const membership> chain) {
  return !chain.empty() && std::ranges::any_of(chain.front().configs(), [chain](const auto& tree) {
    return std::ranges::all_of(chain, [&](const membership& m) { return stands_in(m, tree); });
  });
}

}  // namespace troupe::core
