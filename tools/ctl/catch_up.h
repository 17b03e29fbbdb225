// Waiting for a learner.
#pragma once

#include "tools/ctl/command.h"

namespace troupe::tools {

// Until `id` has all that the leader's log held when the waiting began; progress goes to stderr.
// Exit code 3 when it is not in time: it is a member, and not caught up.
exit_code await_caught_up(session& s, node_id id);

}  // namespace troupe::tools
