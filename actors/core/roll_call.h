// Whether a node could be elected at all: before its time to stand has come, it calls the roll.
//
// It asks all voters for nothing, counts who answers that it is without a leader, and stands only
// where they and itself are an election quorum. Fewer could not elect it, but would promise it
// their votes: nodes that are cut off together would come back with promises that their leader has
// to exceed, in a new term.
//
// This is no pre-vote. Nobody judges whether it would grant anything, and the call is over before
// the election begins, which takes one round trip as without it. Like the election timer, it only
// chooses *when* a node stands, and so can do no harm to safety; nor to liveness, because whoever
// is not counted would not hear of a vote request, or refuse it.
#pragma once

#include <map>
#include <vector>

#include "actors/core/membership.h"
#include "actors/core/messages.h"
#include "actors/core/timing.h"

namespace troupe::core {

// What every other voter is asked, without any effect on it; `last` and `cluster` are the caller's.
std::vector<vote_request> roll(const membership& members, node_id self, const log_id& last = {},
                               uint64_t cluster = 0);

class roll_call {
 public:
  explicit roll_call(const timing& t);

  // All were asked.
  void on_called(instant now) { called_ = now; }
  // To a call or to a candidacy of this node.
  void on_reply(const vote_reply& reply, instant now);

  // What to do now, for a node that may stand at `due`, and when to look again.
  enum class action { wait, call, stand };
  action look(const membership& members, node_id self, instant due, instant now) const;
  instant next(const membership& members, node_id self, instant due, instant now) const;

  // Whether `self` and those who will have answered lately, at `then`, can elect `self`.
  bool quorate(const membership& members, node_id self, instant then) const;

 private:
  // An answer counts for so long. The first call precedes `due` by half of it, and so it does the
  // next call.
  duration lately_;
  instant called_ = instant::min();
  std::map<node_id, instant> answered_;  // that they are without a leader
};

}  // namespace troupe::core
