#include "tools/ctl/catch_up.h"

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tools/ctl/admin.h"

namespace troupe::tools {
namespace {

constexpr auto poll = std::chrono::milliseconds(100);

const status::peer* find(const status& leader, node_id id) {
  for (const auto& p : leader.replication)
    if (p.id == id) return &p;
  return nullptr;
}

std::string progress(const status::peer* p, node_id id, log_index goal) {
  if (p == nullptr) return absl::StrCat("node ", id.value, ": the leader does not tell of it yet");
  if (p->state == "unreachable") return absl::StrCat("node ", id.value, " is unreachable");
  return absl::StrCat("node ", id.value, ": has ", p->matched.value, " of ", goal.value, ", ",
                      p->state);
}

}  // namespace

exit_code await_caught_up(session& s, node_id id) {
  const auto until = std::chrono::steady_clock::now() + s.chosen.patience;
  log_index goal;
  std::string said;
  while (std::chrono::steady_clock::now() < until) {
    if (const auto leader = status_of_leader(s); leader && !leader->replication.empty()) {
      if (!goal) goal = leader->last;
      const auto* p = find(*leader, id);
      if (p != nullptr && p->matched >= goal) return done;
      if (const auto now = progress(p, id, goal); now != said)
        std::fprintf(stderr, "%s\n", (said = now).c_str());
    }
    std::this_thread::sleep_for(poll);
  }
  return say(unknown, absl::StrCat("node ", id.value,
                                   " is a learner now, and is not caught up yet; see that it runs "
                                   "at its address, and how far it is with `members`"));
}

}  // namespace troupe::tools
