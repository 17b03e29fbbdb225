// Commands about who leads.
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tools/ctl/admin.h"
#include "tools/ctl/command.h"
#include "tools/ctl/member_words.h"

namespace troupe::tools {
namespace {

// Says it when the cluster did it, and why not when it did not.
exit_code conclude(const session& s, const std::optional<admin_reply>& reply, node_id who,
                   absl::string_view key, absl::string_view text) {
  if (!reply || reply->code != raft_errc::none) return explain(reply);
  print(s.chosen.json ? absl::StrCat("{\"", key, "\":", who.value, "}\n")
                      : absl::StrCat("node ", who.value, text, "\n"));
  return done;
}

// The old leader has let go; that the new one is elected, the node asked hears a moment later.
bool leads_in_time(session& s, node_id who) {
  const auto until = std::chrono::steady_clock::now() + s.chosen.patience;
  while (std::chrono::steady_clock::now() < until) {
    if (const auto now = status_of(s); now && now->leader == who) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Without a node: the best of the voters.
absl::StatusOr<action> parse_transfer(words args) {
  const auto to = args.empty() ? absl::StatusOr<node_id>(node_id{}) : parse_id(args[0]);
  if (!to.ok()) return to.status();
  return [to = *to](session& s) {
    const auto reply = ask_cluster(s, transfer{to});
    const auto next = reply ? reply->leader : to;
    if (reply && reply->code == raft_errc::none && !leads_in_time(s, next))
      return say(unknown, absl::StrCat("node ", next.value,
                                       " was asked to lead and is not heard of yet; `leader` "
                                       "shows who leads"));
    return conclude(s, reply, next, "leader_id", " leads");
  };
}

exit_code on_abort_transfer(session& s) {
  const auto reply = ask_cluster(s, abort_transfer{});
  return conclude(s, reply, reply ? reply->leader : node_id{}, "leader_id", " leads on");
}

absl::StatusOr<action> parse_elect(words args) {
  const auto who = parse_id(args[0]);
  if (!who.ok()) return who.status();
  return [who = *who](session& s) {
    return conclude(s, ask_cluster(s, elect{who}), who, "candidate_id", " stands for election");
  };
}

constexpr command commands[] = {
    {"transfer", " [ID]", 0, 1, parse_transfer},
    {"abort-transfer", "", 0, 0, just<on_abort_transfer>},
    {"elect", " ID", 1, 1, parse_elect},
};

}  // namespace

std::span<const command> leader_commands() { return commands; }

}  // namespace troupe::tools
