#include "tools/ctl/member_words.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "actors/dialer.h"

namespace troupe::tools {
namespace {

absl::Status bad(absl::string_view word, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("'", word, "' is not ", what));
}

}  // namespace

absl::StatusOr<node_id> parse_id(absl::string_view word) {
  uint64_t id = 0;
  if (!absl::SimpleAtoi(word, &id) || id == 0) return bad(word, "a node id, a number from 1");
  return node_id(id);
}

absl::StatusOr<std::string> parse_address(absl::string_view word) {
  const auto at = parse_endpoint(std::string(word));
  if (!at || at->port == 0) return bad(word, "host:port");
  if (is_wildcard(*at)) return bad(word, "an address at which other hosts reach the node");
  return std::string(word);
}

absl::StatusOr<std::map<node_id, core::member>> parse_nodes(std::span<const std::string> words) {
  std::map<node_id, core::member> nodes;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const auto id = parse_id(absl::string_view(word).substr(0, equals));
    if (!id.ok()) return id.status();
    core::member node;
    if (equals != std::string::npos) {
      auto address = parse_address(absl::string_view(word).substr(equals + 1));
      if (!address.ok()) return address.status();
      node.address = std::move(*address);
    }
    if (!nodes.emplace(*id, std::move(node)).second)
      return absl::InvalidArgumentError(absl::StrCat("node ", id->value, " stands twice"));
  }
  return nodes;
}

absl::StatusOr<log_id> parse_log_id(absl::string_view word) {
  const auto refusal = bad(word, "a log id such as T3.N1/57");
  absl::string_view rest = word;
  if (!absl::ConsumePrefix(&rest, "T")) return refusal;
  const std::vector<absl::string_view> halves = absl::StrSplit(rest, absl::ByString(".N"));
  if (halves.size() != 2) return refusal;
  const std::vector<absl::string_view> node_and_index = absl::StrSplit(halves[1], '/');
  log_id id;
  if (node_and_index.size() != 2 || !absl::SimpleAtoi(halves[0], &id.leader.in.value) ||
      !absl::SimpleAtoi(node_and_index[0], &id.leader.node.value) ||
      !absl::SimpleAtoi(node_and_index[1], &id.index.value))
    return refusal;
  return id;
}

}  // namespace troupe::tools
