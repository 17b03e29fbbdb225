#include "tools/ctl/admin.h"

#include "absl/strings/str_cat.h"
#include "actors/metrics.h"

namespace troupe::tools {
namespace {

// The node answers when the patience is over; its answer takes a moment, too.
constexpr duration answer_takes = std::chrono::seconds(2);

// What happened, and behind a semicolon what to do about it.
std::string with_advice(const std::string& what, absl::string_view advice) {
  return absl::StrCat(what, what.empty() ? "" : "; ", advice);
}

std::string why_not_ready(const admin_reply& r) {
  const auto kept = r.at ? "who joined stays a learner; " : "";
  return with_advice(r.why, absl::StrCat(kept, "see that it runs, and try again"));
}

std::optional<status> ask_member(session& s, const status& mine, node_id who) {
  if (mine.id == who) return mine;
  const auto at = mine.members.nodes().find(who);
  if (at == mine.members.nodes().end()) return std::nullopt;
  auto node = remote_node::connect(*s.system, at->second.address, s.chosen.patience);
  if (!node.ok()) return std::nullopt;
  return node->ask<status>(status_request{}, s.chosen.patience);
}

// Of a member that is not the node itself.
std::string another_address(const status& s) {
  for (const auto& [id, node] : s.members.nodes())
    if (id != s.id) return node.address;
  return "";
}

}  // namespace

std::optional<status> status_of(session& s) {
  return s.node.ask<status>(status_request{}, s.chosen.patience);
}

std::optional<status> status_of_leader(session& s) {
  auto mine = status_of(s);
  auto its = mine ? ask_member(s, *mine, mine->leader) : std::nullopt;
  return its ? its : mine;
}

std::optional<status> status_of_member(session& s, node_id who) {
  const auto mine = status_of(s);
  return mine ? ask_member(s, *mine, who) : std::nullopt;
}

node_id await_leader(session& s, node_id who) {
  const auto leads = [who](const std::optional<status>& now) {
    return now && now->leader && (!who || now->leader == who);
  };
  const auto last = ask_until(
      s, [&s] { return status_of(s); }, leads);
  return leads(last) ? last->leader : node_id{};
}

std::optional<admin_reply> ask_cluster(session& s, admin_command command) {
  const admin_request request{request_id(1), std::move(command), s.chosen.patience};
  return ask_until_led(
      s, [&] { return s.node.ask<admin_reply>(request, s.chosen.patience + answer_takes); });
}

exit_code refuse_without_leader(session& s) {
  const auto now = status_of(s);
  if (now && now->role == to_string(node_role::outsider) && !now->members.empty())
    return say(refused, absl::StrCat("node ", now->id.value,
                                     " is no member of its cluster; ask one that is: ",
                                     another_address(*now)));
  return say(refused, "the cluster has no leader right now; see that a quorum of its voters is up");
}

exit_code explain(session& s, const std::optional<admin_reply>& reply) {
  if (!reply)
    return say(unknown, "no answer in time; it may or may not take effect: `members` shows it");
  switch (reply->code) {
    case raft_errc::outcome_unknown:
      return say(unknown, with_advice(reply->why,
                                      "it may or may not take effect: `members` shows "
                                      "what came of it"));
    case raft_errc::not_leader:
      return refuse_without_leader(s);
    case raft_errc::quorum_lost:
      return say(refused, no_quorum);
    case raft_errc::change_in_progress:
      return say(refused,
                 "another change of the members is in progress; wait for it, or end it with "
                 "`abort-change`");
    case raft_errc::busy:
      return say(refused, with_advice(reply->why, "try again"));
    case raft_errc::not_ready:
      return say(refused, why_not_ready(*reply));
    case raft_errc::precondition_failed:
      return say(refused,
                 "another membership is in force than --if_membership names; look at `members`, "
                 "and decide again");
    default:
      return say(refused, reply->why.empty() ? std::string(to_string(reply->code)) : reply->why);
  }
}

}  // namespace troupe::tools
