// Commands that change the membership.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "actors/core/quorum_text.h"
#include "tools/ctl/admin.h"
#include "tools/ctl/catch_up.h"
#include "tools/ctl/command.h"
#include "tools/ctl/member_words.h"

namespace troupe::tools {
namespace {

using kind = core::member_change::kind;

// Index 0: nothing had to be written.
exit_code conclude(session& s, const std::optional<admin_reply>& reply) {
  if (!reply || reply->code != raft_errc::none) return explain(s, reply);
  if (s.chosen.json)
    print(absl::StrCat("{\"index\":", reply->at.index.value, "}\n"));
  else if (reply->at.index)
    print(absl::StrCat("done, at log index ", reply->at.index.value, "\n"));
  else
    print("nothing to do\n");
  return done;
}

exit_code change(session& s, const core::member_change& what) {
  change_members all{{what}, s.chosen.retain, {}};
  all.only_if.membership = s.chosen.if_membership;
  return conclude(s, ask_cluster(s, std::move(all)));
}

// The commands whose arguments are nodes and nothing else.
template <kind what>
absl::StatusOr<action> parse_nodes_to(words args) {
  auto nodes = parse_nodes(args);
  if (!nodes.ok()) return nodes.status();
  return [nodes = std::move(*nodes)](session& s) { return change(s, {what, nodes, {}}); };
}

// Retained are voters only: a learner that is removed leaves in any case.
absl::StatusOr<action> parse_remove(words args) {
  auto nodes = parse_nodes(args);
  if (!nodes.ok()) return nodes.status();
  return [nodes = std::move(*nodes)](session& s) {
    return change(s, {s.chosen.retain ? kind::remove_voters : kind::remove_nodes, nodes, {}});
  };
}

struct node_at {
  node_id id;
  std::string address;
};

absl::StatusOr<node_at> parse_node_at(words args) {
  const auto id = parse_id(args[0]);
  if (!id.ok()) return id.status();
  auto address = parse_address(args[1]);
  if (!address.ok()) return address.status();
  return node_at{*id, std::move(*address)};
}

// Of a member, as far as the node asked knows.
std::optional<std::string> known_address(session& s, node_id id) {
  const auto now = status_of(s);
  if (!now || !now->members.contains(id)) return std::nullopt;
  return now->members.nodes().at(id).address;
}

exit_code add_learner(session& s, const node_at& node) {
  if (const auto known = known_address(s, node.id); known && *known != node.address)
    return say(refused, absl::StrCat("node ", node.id.value, " is a member at ", *known,
                                     " already; `set-address` moves it"));
  const auto code = change(s, {kind::add_nodes, {{node.id, {node.address}}}, {}});
  return code == done && s.chosen.wait ? await_caught_up(s, node.id) : code;
}

// The cluster would add whoever is no member as a learner; most likely the id is mistyped.
exit_code set_address(session& s, const node_at& node) {
  if (!known_address(s, node.id))
    return say(refused,
               absl::StrCat("node ", node.id.value, " is not a member; `add-learner` adds it"));
  return change(s, {kind::set_nodes, {{node.id, {node.address}}}, {}});
}

template <exit_code (*run)(session&, const node_at&)>
absl::StatusOr<action> parse_one_at(words args) {
  auto node = parse_node_at(args);
  if (!node.ok()) return node.status();
  return [node = std::move(*node)](session& s) { return run(s, node); };
}

// Checked here already, so that what can never work never reaches the cluster.
absl::StatusOr<action> parse_set_quorum(words args) {
  auto quorum = core::parse_quorum(args[0]);
  if (!quorum.ok()) return quorum.status();
  auto joining = parse_nodes(args.subspan(1));
  if (!joining.ok()) return joining.status();
  if (const auto sound = quorum->check(core::vote_mode::advanced); !sound.ok())
    return absl::FailedPreconditionError(sound.message());
  return [quorum = std::move(*quorum), joining = std::move(*joining)](session& s) {
    return change(s, {kind::set_quorum, joining, quorum});
  };
}

absl::StatusOr<action> parse_set_priority(words args) {
  const auto id = parse_id(args[0]);
  if (!id.ok()) return id.status();
  uint32_t priority = 0;
  if (!absl::SimpleAtoi(args[1], &priority))
    return absl::InvalidArgumentError(
        absl::StrCat("'", args[1], "' is not a priority, a number from 0"));
  return [id = *id, priority](session& s) {
    return change(s, {kind::set_priorities, {{id, {{}, 0, priority}}}, {}});
  };
}

exit_code on_abort_change(session& s) { return conclude(s, ask_cluster(s, abort_change{})); }

constexpr command commands[] = {
    {"add-learner", " ID HOST:PORT", 2, 2, parse_one_at<add_learner>},
    {"promote", " ID[=HOST:PORT]…", 1, command::any, parse_nodes_to<kind::add_voters>},
    {"remove", " ID…", 1, command::any, parse_remove},
    {"set-voters", " ID[=HOST:PORT]…", 1, command::any, parse_nodes_to<kind::replace_voters>},
    {"set-quorum", " SPEC [ID=HOST:PORT]…", 1, command::any, parse_set_quorum},
    {"set-address", " ID HOST:PORT", 2, 2, parse_one_at<set_address>},
    {"set-priority", " ID N", 2, 2, parse_set_priority},
    {"abort-change", "", 0, 0, just<on_abort_change>},
};

}  // namespace

std::span<const command> member_commands() { return commands; }

}  // namespace troupe::tools
