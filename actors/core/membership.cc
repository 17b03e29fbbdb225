#include "actors/core/membership.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace troupe::core {

membership::membership(std::vector<quorum> configs, std::map<node_id, member> nodes)
    : configs_(std::move(configs)), nodes_(std::move(nodes)) {}

membership::membership(std::vector<quorum> configs, const std::map<node_id, std::string>& addresses)
    : configs_(std::move(configs)) {
  for (const auto& [id, address] : addresses) nodes_[id].address = address;
}

membership membership::of_majority(const std::map<node_id, std::string>& addresses) {
  std::set<node_id> voters;
  for (const auto& [id, address] : addresses) voters.insert(id);
  return membership({quorum::majority(voters)}, addresses);
}

uint64_t membership::incarnation_of(node_id id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? 0 : it->second.incarnation;
}

bool membership::admits(node_id id, uint64_t incarnation) const {
  const auto known = incarnation_of(id);
  return known == 0 || known == incarnation;
}

bool membership::is_voter(node_id id) const {
  return std::ranges::any_of(configs_, [id](const quorum& q) { return q.contains(id); });
}

std::set<node_id> membership::voters() const {
  std::set<node_id> all;
  for (const auto& config : configs_) all.merge(config.voters());
  return all;
}

std::set<node_id> membership::learners() const {
  std::set<node_id> rest;
  for (const auto& [id, node] : nodes_)
    if (!is_voter(id)) rest.insert(id);
  return rest;
}

bool membership::satisfied(quorum_kind kind, absl::FunctionRef<bool(node_id)> present) const {
  return !configs_.empty() && std::ranges::all_of(configs_, [kind, present](const quorum& q) {
    return q.satisfied(kind, present);
  });
}

uint64_t membership::held_by(quorum_kind kind, absl::FunctionRef<uint64_t(node_id)> value) const {
  if (configs_.empty()) return 0;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (const auto& config : configs_) least = std::min(least, config.held_by(kind, value));
  return least;
}

absl::Status membership::check(vote_mode mode) const {
  if (configs_.empty()) return absl::InvalidArgumentError("membership: no voters");
  for (const auto& config : configs_)
    if (auto status = config.check(mode); !status.ok()) return status;
  if (nodes_.contains(node_id{}))
    return absl::InvalidArgumentError("membership: 0 is not a node id");
  for (node_id voter : voters())
    if (!contains(voter))
      return absl::InvalidArgumentError(
          absl::StrCat("membership: voter ", voter.value, " has no address"));
  return absl::OkStatus();
}

std::ostream& operator<<(std::ostream& out, const membership& m) {
  if (m.empty()) out << "{}";
  const char* separator = "";
  for (const auto& config : m.configs()) out << std::exchange(separator, " + ") << config;
  const auto learners = m.learners();
  if (learners.empty()) return out;
  separator = " learners {";
  for (node_id learner : learners) out << std::exchange(separator, ",") << learner;
  return out << '}';
}

}  // namespace troupe::core
