// When a node stands for election, unless it hears of a leader before: a random part after the
// timer started and the leader's lease ended.
//
// Over links of which some are cut, perhaps in one direction only, candidates that cannot win stay
// in the way of the one that can: its voters must not have promised more than it asks for. Three
// rules see to it that it gets its turn. They only choose *when* a node stands, and what a vote is
// worth does not depend on that, so they can do no harm to safety.
//
// - Who is outvoted stands again soon, once. A voter had promised more to a candidacy that failed.
//   The next one knows how much to ask for, and comes before the others raise their votes again.
// - Who grants a vote waits once. The timer starts anew, for the candidate may win; but not for the
//   next candidate, before this node has stood itself. Else two that outbid each other would keep
//   the only one with the best log among its voters waiting for ever.
// - Who is outclassed waits longer, once until a leader is heard of. A voter has a better log, and
//   should stand before (openraft's rule); but it may be out of reach for all others.
#pragma once

#include "actors/core/timing.h"

namespace troupe::core {

class election_timer {
 public:
  // `jitter`, here and below: the random part, in [election_timeout_min, election_timeout_max].
  election_timer(const timing& t, instant now, duration jitter);

  // This node's priority and the greatest of all voters (priority.h); equal at first.
  void prefer(uint32_t own, uint32_t greatest);
  // A new leader was heard of, or a leadership of this node ended.
  void start(instant now, duration jitter);
  // The leader that is known was heard of again: whatever happened in elections before is over.
  void on_leader_heard();
  // This node saved a vote for another candidate.
  void on_granted(instant now, duration jitter);
  // This node stands for election, for whatever reason.
  void on_stood(instant now, duration jitter);
  // A voter refused, because it promised a greater vote to a candidate.
  void on_outvoted(instant now, duration jitter);
  // A voter refused, and has a better log.
  void on_outclassed();

  instant deadline(instant leased_until) const;

 private:
  enum class chance {
    first,
    used,     // outvoted: the next candidacy is the second try
    repeats,  // the last candidacy was the second try
  };

  timing timing_;
  instant started_;
  duration jitter_;
  bool waited_ = false;  // for another candidate, since this node stood
  chance chance_ = chance::first;
  bool outclassed_ = false;  // since a leader was heard of
  bool gives_way_ = false;   // this time, therefore
  uint32_t priority_ = 0, greatest_priority_ = 0;
  uint64_t stood_ = 0;  // since a leader was heard of
};

}  // namespace troupe::core
