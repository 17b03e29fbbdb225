// Commands that look and change nothing.
#include "absl/strings/str_cat.h"
#include "tools/ctl/admin.h"
#include "tools/ctl/command.h"
#include "tools/ctl/report.h"
#include "tools/node/status_json.h"

namespace troupe::tools {
namespace {

constexpr auto no_status = "the node did not tell its status in time";

exit_code on_status(session& s) {
  const auto got = status_of(s);
  if (!got) return say(refused, no_status);
  print(s.chosen.json ? status_json(*got) + "\n" : status_text(*got));
  return done;
}

exit_code on_members(session& s) {
  const auto got = status_of_leader(s);
  if (!got) return say(refused, no_status);
  print(s.chosen.json ? members_json(*got) + "\n" : members_text(*got));
  return done;
}

exit_code on_leader(session& s) {
  const auto leader = await_leader(s);
  if (!leader) return refuse_without_leader(s);
  print(s.chosen.json ? absl::StrCat("{\"leader_id\":", leader.value, "}\n")
                      : absl::StrCat(leader.value, "\n"));
  return done;
}

constexpr command commands[] = {
    {"status", "", 0, 0, just<on_status>},
    {"members", "", 0, 0, just<on_members>},
    {"leader", "", 0, 0, just<on_leader>},
};

}  // namespace

std::span<const command> status_commands() { return commands; }

}  // namespace troupe::tools
