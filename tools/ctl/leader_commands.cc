// Commands about who leads.
#include <chrono>

#include "absl/strings/str_cat.h"
#include "tools/ctl/admin.h"
#include "tools/ctl/command.h"
#include "tools/ctl/member_words.h"

namespace troupe::tools {
namespace {

// Says it when the cluster did it, and why not when it did not.
exit_code conclude(session& s, const std::optional<admin_reply>& reply, node_id who,
                   absl::string_view text) {
  if (!reply || reply->code != raft_errc::none) return explain(s, reply);
  print(s.chosen.json ? absl::StrCat("{\"leader_id\":", who.value, "}\n")
                      : absl::StrCat("node ", who.value, text, "\n"));
  return done;
}

// Without a node: the best of the voters.
absl::StatusOr<action> parse_transfer(words args) {
  const auto to = args.empty() ? absl::StatusOr<node_id>(node_id{}) : parse_id(args[0]);
  if (!to.ok()) return to.status();
  return [to = *to](session& s) {
    const auto reply = ask_cluster(s, transfer{to});
    const auto next = reply ? reply->leader : to;
    // The old leader has let go; that the new one is elected, the node asked hears a moment later.
    if (reply && reply->code == raft_errc::none && !await_leader(s, next))
      return say(unknown, absl::StrCat("node ", next.value,
                                       " was asked to lead and is not heard of yet; `leader` "
                                       "shows who leads"));
    return conclude(s, reply, next, " leads");
  };
}

exit_code on_abort_transfer(session& s) {
  const auto reply = ask_cluster(s, abort_transfer{});
  return conclude(s, reply, reply ? reply->leader : node_id{}, " leads on");
}

// The voters that do not answer, as a list.
std::string silent_voters(session& s) {
  const auto known = status_of(s);
  std::string text;
  if (!known) return text;
  for (const auto id : known->members.voters()) {
    if (id == known->id) continue;
    const auto& address = known->members.nodes().at(id).address;
    if (!remote_node::connect(*s.system, address, std::chrono::seconds(1)).ok())
      absl::StrAppend(&text, text.empty() ? "" : ", ", id.value);
  }
  return text;
}

// Whoever is elected: a leader is what was wanted.
exit_code elect_now(session& s, node_id who) {
  const auto reply = ask_cluster(s, elect{who});
  if (!reply || reply->code != raft_errc::none) return explain(s, reply);
  if (const auto leader = await_leader(s)) return conclude(s, reply, leader, " leads");
  const auto silent = silent_voters(s);
  return say(unknown, absl::StrCat("node ", who.value, " stood for election and nobody leads yet",
                                   silent.empty() ? "" : "; voters that do not answer: ", silent));
}

absl::StatusOr<action> parse_elect(words args) {
  const auto who = parse_id(args[0]);
  if (!who.ok()) return who.status();
  return [who = *who](session& s) { return elect_now(s, who); };
}

constexpr command commands[] = {
    {"transfer", " [ID]", 0, 1, parse_transfer},
    {"abort-transfer", "", 0, 0, just<on_abort_transfer>},
    {"elect", " ID", 1, 1, parse_elect},
};

}  // namespace

std::span<const command> leader_commands() { return commands; }

}  // namespace troupe::tools
