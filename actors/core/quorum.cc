#include "actors/core/quorum.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "actors/core/disjoint.h"
#include "actors/core/quorum_text.h"

namespace troupe::core {
namespace {

absl::Status refuse(std::string why) {
  return absl::InvalidArgumentError(absl::StrCat("quorum: ", why));
}

void collect_voters(const quorum& tree, std::vector<node_id>& found) {
  for (const auto& child : tree.children()) {
    if (const auto* voter = std::get_if<node_id>(&child.kind))
      found.push_back(*voter);
    else
      collect_voters(std::get<quorum>(child.kind), found);
  }
}

absl::Status check_threshold(uint64_t threshold, uint64_t total) {
  if (threshold == 0) return refuse("a threshold is 0");
  if (threshold > total)
    return refuse(absl::StrCat("the threshold ", threshold, " exceeds the total weight ", total));
  return absl::OkStatus();
}

absl::Status check_child(const quorum::child& child) {
  if (child.weight == 0 || child.weight > quorum::max_weight)
    return refuse(absl::StrCat("a weight is ", child.weight, ", not 1 to ", quorum::max_weight));
  if (!child.name.empty() && !is_quorum_name(child.name)) return refuse("a name is not legal");
  const auto* voter = std::get_if<node_id>(&child.kind);
  if (voter && !*voter) return refuse("0 is not a node id");
  return absl::OkStatus();
}

// One group and those below it; counts their children in `children`.
absl::Status check_group(const quorum& group, size_t depth, size_t& children) {
  if (depth > quorum::max_depth)
    return refuse(absl::StrCat("more than ", quorum::max_depth, " groups inside each other"));
  if (group.children().empty()) return refuse("a group is empty");
  children += group.children().size();
  if (children > quorum::max_children)
    return refuse(absl::StrCat("more than ", quorum::max_children, " voters and groups"));
  uint64_t total = 0;
  for (const auto& child : group.children()) {
    if (auto status = check_child(child); !status.ok()) return status;
    total += child.weight;
    if (const auto* below = std::get_if<quorum>(&child.kind))
      if (auto status = check_group(*below, depth + 1, children); !status.ok()) return status;
  }
  if (auto status = check_threshold(group.read_threshold(), total); !status.ok()) return status;
  return check_threshold(group.write_threshold(), total);
}

std::string set_text(const std::set<node_id>& ids) {
  return absl::StrCat("{", absl::StrJoin(ids, ",", absl::StreamFormatter()), "}");
}

}  // namespace

quorum::quorum(std::vector<child> children, uint64_t read_threshold, uint64_t write_threshold)
    : children_(std::move(children)),
      read_threshold_(read_threshold),
      write_threshold_(write_threshold) {}

quorum quorum::majority(const std::set<node_id>& voters) {
  std::vector<child> children;
  children.reserve(voters.size());
  for (node_id voter : voters) children.push_back({1, voter});
  const uint64_t threshold = voters.size() / 2 + 1;
  return quorum(std::move(children), threshold, threshold);
}

bool quorum::satisfied(quorum_kind kind, absl::FunctionRef<bool(node_id)> present) const {
  uint64_t missing = threshold(kind);
  if (missing == 0) return false;
  for (const auto& child : children_) {
    const auto* voter = std::get_if<node_id>(&child.kind);
    if (voter ? !present(*voter) : !std::get<quorum>(child.kind).satisfied(kind, present)) continue;
    if (child.weight >= missing) return true;
    missing -= child.weight;
  }
  return false;
}

uint64_t quorum::held_by(quorum_kind kind, absl::FunctionRef<uint64_t(node_id)> value) const {
  struct holder {
    uint64_t value;
    uint64_t weight;
  };
  uint64_t missing = threshold(kind);
  if (missing == 0) return 0;
  absl::InlinedVector<holder, 16> holders;
  for (const auto& child : children_) {
    const auto* voter = std::get_if<node_id>(&child.kind);
    holders.push_back(
        {voter ? value(*voter) : std::get<quorum>(child.kind).held_by(kind, value), child.weight});
  }
  // From the greatest value down: the one that completes the threshold is held by all before it.
  std::sort(holders.begin(), holders.end(),
            [](const holder& a, const holder& b) { return a.value > b.value; });
  for (const auto& holder : holders) {
    if (holder.weight >= missing) return holder.value;
    missing -= holder.weight;
  }
  return 0;
}

std::set<node_id> quorum::voters() const {
  std::vector<node_id> found;
  collect_voters(*this, found);
  return {found.begin(), found.end()};
}

bool quorum::contains(node_id id) const {
  return std::ranges::any_of(children_, [id](const child& child) {
    const auto* voter = std::get_if<node_id>(&child.kind);
    return voter ? *voter == id : std::get<quorum>(child.kind).contains(id);
  });
}

absl::Status quorum::check_form() const {
  size_t children = 0;
  if (auto status = check_group(*this, 1, children); !status.ok()) return status;
  std::vector<node_id> found;
  collect_voters(*this, found);
  std::ranges::sort(found);
  if (auto twice = std::ranges::adjacent_find(found); twice != found.end())
    return refuse(absl::StrCat("voter ", twice->value, " stands twice"));
  return absl::OkStatus();
}

absl::Status quorum::check(vote_mode mode) const {
  if (auto status = check_form(); !status.ok()) return status;
  if (const auto apart = find_disjoint(*this, quorum_kind::read, quorum_kind::write))
    return refuse(absl::StrCat(set_text(apart->first), " elects and ", set_text(apart->second),
                               " commits, and they share no voter"));
  if (mode == vote_mode::advanced) return absl::OkStatus();
  if (const auto apart = find_disjoint(*this, quorum_kind::read, quorum_kind::read))
    return refuse(absl::StrCat(set_text(apart->first), " elects and ", set_text(apart->second),
                               " elects as well in the same term, and they share no voter"));
  return absl::OkStatus();
}

bool quorum::operator==(const quorum& other) const {
  return read_threshold_ == other.read_threshold_ && write_threshold_ == other.write_threshold_ &&
         children_ == other.children_;
}

}  // namespace troupe::core
