// How ctl asks the cluster to change, and what it learns of it.
#pragma once

#include <optional>
#include <string>

#include "tools/ctl/command.h"

namespace troupe::tools {

// The node's own view; nothing when it does not answer in time.
std::optional<status> status_of(session& s);
// The leader's view, which knows how far everybody is; the node's own where the leader cannot be
// reached.
std::optional<status> status_of_leader(session& s);

// Passes the request on to who is in charge. Nothing when no answer came: it may be done or not.
std::optional<admin_reply> ask_cluster(session& s, admin_command command);

// One line about what was not done, with what to do next, and its exit code. `reply` is not `none`.
exit_code explain(const std::optional<admin_reply>& reply);

}  // namespace troupe::tools
