#include "actors/core/quorum.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"

namespace troupe::core {
namespace {

constexpr uint64_t max_weight = std::numeric_limits<uint64_t>::max();

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

absl::Status check_thresholds(uint64_t read, uint64_t write, uint64_t total, vote_mode mode) {
  if (read == 0 || write == 0) return refuse("a threshold is 0");
  if (read > total || write > total)
    return refuse(absl::StrCat("a threshold exceeds the total weight: read ", read, ", write ",
                               write, ", total ", total));
  // Subtractions, because sums of hostile thresholds could wrap.
  if (write <= total - read)
    return refuse(absl::StrCat("an election could miss a commit: read ", read, " + write ", write,
                               " must exceed the total weight ", total));
  if (mode == vote_mode::standard && read <= total - read)
    return refuse(absl::StrCat("two leaders could be elected in one term: 2 * read ", read,
                               " must exceed the total weight ", total));
  return absl::OkStatus();
}

// One group and those below it; says nothing about voters that stand twice.
absl::Status check_group(const quorum& group, vote_mode mode) {
  if (group.children().empty()) return refuse("a group is empty");
  uint64_t total = 0;
  for (const auto& child : group.children()) {
    if (child.weight == 0) return refuse("a weight is 0");
    if (child.weight > max_weight - total) return refuse("the total weight is too large");
    total += child.weight;
    if (const auto* below = std::get_if<quorum>(&child.kind))
      if (auto status = check_group(*below, mode); !status.ok()) return status;
  }
  return check_thresholds(group.read_threshold(), group.write_threshold(), total, mode);
}

bool is_plain_majority(const quorum& q) {
  const uint64_t half_and_one = q.children().size() / 2 + 1;
  return q.read_threshold() == half_and_one && q.write_threshold() == half_and_one &&
         std::ranges::all_of(q.children(), [](const auto& child) { return child.weight == 1; });
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

absl::Status quorum::check(vote_mode mode) const {
  if (auto status = check_group(*this, mode); !status.ok()) return status;
  std::vector<node_id> found;
  collect_voters(*this, found);
  std::ranges::sort(found);
  if (auto twice = std::ranges::adjacent_find(found); twice != found.end())
    return refuse(absl::StrCat("voter ", twice->value, " stands twice"));
  return absl::OkStatus();
}

bool quorum::operator==(const quorum& other) const {
  return read_threshold_ == other.read_threshold_ && write_threshold_ == other.write_threshold_ &&
         children_ == other.children_;
}

std::ostream& operator<<(std::ostream& out, const quorum& q) {
  const char* separator = "{";
  for (const auto& child : q.children()) {
    out << separator;
    std::visit([&out](const auto& kind) { out << kind; }, child.kind);
    if (child.weight != 1) out << '*' << child.weight;
    separator = ",";
  }
  if (q.children().empty()) out << '{';
  out << '}';
  if (!is_plain_majority(q)) out << 'r' << q.read_threshold() << 'w' << q.write_threshold();
  return out;
}

}  // namespace troupe::core
