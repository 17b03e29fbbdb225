// How ctl asks the cluster to change, and what it learns of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tools/ctl/command.h"

namespace troupe::tools {

// The node's own view; nothing when it does not answer in time.
std::optional<status> status_of(session& s);
// A member's, by its address; nothing when it cannot be reached.
std::optional<status> status_of_member(session& s, node_id who);
// The leader's view, which knows how far everybody is; the node's own where the leader cannot be
// reached.
std::optional<status> status_of_leader(session& s);

// Who leads, as soon as the node knows; 0 when the patience is over, or when `who` was to lead and
// does not.
node_id await_leader(session& s, node_id who = {});

// Passes the request on to who is in charge. Nothing when no answer came: it may be done or not.
std::optional<admin_reply> ask_cluster(session& s, admin_command command);

// Asks again until the answer is good or the patience is over, and gives the last answer.
template <class Ask, class Good>
auto ask_until(const session& s, Ask ask, Good good) {
  const auto until = std::chrono::steady_clock::now() + s.chosen.patience;
  for (;;) {
    auto answer = ask();
    if (good(answer) || std::chrono::steady_clock::now() >= until) return answer;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Asks again while there is no leader or it has no quorum, for then nothing happened: an election
// may be under way.
template <class Ask>
auto ask_until_led(const session& s, Ask ask) {
  return ask_until(s, ask, [](const auto& answer) {
    return !answer ||
           (answer->code != raft_errc::not_leader && answer->code != raft_errc::quorum_lost);
  });
}

inline constexpr const char* no_quorum =
    "the leader does not reach a quorum of the voters; nothing happened. See that one is up";

// That there is no leader to ask, or that the node is not the one to be asked.
exit_code refuse_without_leader(session& s);

// One line about what was not done, with what to do next, and its exit code. `reply` is not `none`.
exit_code explain(session& s, const std::optional<admin_reply>& reply);

}  // namespace troupe::tools
