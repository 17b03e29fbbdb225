// One leadership, from the election that was won to its end: the commit rule, read confirmation,
// the lease, and how much is under way (thesis 3.5, 3.6.2, 6.4).
//
// Pure. The leader actor owns exactly one and dies with it, so no state of an old leadership
// survives.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "actors/core/log_view.h"
#include "actors/core/member_change.h"
#include "actors/core/timing.h"

namespace troupe::core {

class leadership {
 public:
  struct options {
    core::timing timing;
    size_t rounds = 2;  // batches under way at once; more only splits them up
  };

  // `elected`: the committed vote. `members`: in force, found at `members_at` in the log. `tail`:
  // the log's end at that moment.
  leadership(const vote& elected, const membership& members, const log_id& members_at,
             const log_tail& tail, options o, instant now);

  // -- the log ----------------------------------------------------------------------------------

  // Whether another batch should be sealed now, or what is there should wait and grow.
  bool may_append() const { return under_way_.size() < options_.rounds; }
  const log_tail& last() const { return last_; }
  void on_appended(const log_tail& last, instant now);

  // This node's own disk has all up to `durable`. The leader counts itself by this alone (thesis
  // 10.2.1: it writes in parallel with replication).
  // Both return the new committed index when it moved.
  std::optional<log_index> on_flushed(const log_id& durable, instant now);
  // A follower acknowledged, answering a request that was sent at `sent` and carried `round`. An
  // empty `durable` claims nothing but that it still follows.
  std::optional<log_index> on_acked(node_id from, const log_id& durable, instant sent,
                                    uint64_t round);

  // `id` lost entries: nothing that it acknowledged counts until it acknowledges it again.
  // `replaced`: it lost its disk, and that it answered does not count either.
  void forget(node_id id, bool replaced);

  log_index committed() const { return committed_; }

  // -- membership (thesis 4) --------------------------------------------------------------------

  // In force from the moment that it is in the log, committed or not.
  const membership& members() const { return chain_.back(); }
  const log_id& members_at() const { return members_at_; }
  bool members_committed() const { return members_at_.index <= committed_; }
  // An entry of this leader is committed, and so is the membership in force: another one may be
  // proposed. Without the first, two leaders could change the same membership in two ways that do
  // not meet.
  bool settled() const;
  // Whether `next` may be appended now. Before the membership in force is committed, only what
  // shares a whole quorum with it and all others since the last committed one: the way back out of
  // a change that cannot be finished. The quorums that are in force already may stay at any time.
  bool may_propose(const membership& next) const;
  // `next` was appended at `at`, which may_propose() allowed. Who is new starts unknown; who left
  // is forgotten.
  void on_membership(const membership& next, const log_id& at);

  // The member answered within a lease.
  bool answers(node_id id, instant now) const;
  // It also has some of the log, and lacks at most `lag` entries.
  bool keeps_up(node_id id, uint64_t lag, instant now) const;
  // The voter that should lead next: who answered within a lease, by priority, then by what it
  // has. 0 when there is none.
  node_id successor(instant now, const std::set<node_id>& except = {}) const;

  // -- reads (thesis 6.4) -----------------------------------------------------------------------

  // A read that arrives now sees at least this index: all that the leader has received before it,
  // its own first entry included. Later than needed for linearizability, and so a client that
  // pipelines a write and a read sees its write.
  log_index read_index() const { return last_.last.index; }
  // The same for a read under the lease, which waits for nothing that is still under way.
  log_index leased_read_index() const { return std::max(committed_, first_own_); }
  // Starts a round that confirms the leadership; the acknowledgements of requests that carry it
  // count.
  uint64_t begin_round() { return ++round_; }
  uint64_t round() const { return round_; }
  // Rounds up to this one were confirmed by a write quorum.
  uint64_t confirmed_round() const;

  // -- time -------------------------------------------------------------------------------------

  // A write quorum followed this leader at this time, measured from when the requests were sent; at
  // first, the time of the election.
  instant quorum_heard(instant now) const;
  // Not out of touch: reads and writes are accepted.
  bool active(instant now) const;
  // A write quorum holds this leader's lease now: no other one is elected meanwhile. Unlike
  // active() it needs their acknowledgements: who granted a vote may grant a greater one a moment
  // later.
  bool leased(instant now) const;
  // The same on clocks of which the fastest runs at most `drift` times as fast as the slowest.
  bool leased(instant now, double drift) const;
  // When to give up if no quorum answers: one more lease after it became inactive.
  instant deadline(instant now) const;
  // When this node's own disk will have taken too long over a write: a lease. Never, as long as
  // nothing waits for it.
  instant disk_deadline() const;

  const vote& elected() const { return elected_; }
  // When the newest request was sent that it answered; none for strangers and who never answered.
  std::optional<instant> last_heard(node_id id) const;
  log_id durable(node_id id) const;

 private:
  struct peer {
    log_id durable;
    instant heard;
    uint64_t round = 0;
  };
  std::optional<log_index> hold(peer& p, const log_id& durable);
  std::optional<log_index> advance();
  instant followed(instant now) const;

  vote elected_;
  // The last committed membership and those after it; the last one is in force.
  std::vector<membership> chain_;
  std::deque<log_index> chain_at_;
  log_id members_at_;
  options options_;
  log_tail last_;
  log_index first_own_;
  instant since_;
  log_index committed_;
  std::deque<log_index> under_way_;        // the ends of the batches that are not committed
  std::optional<instant> flushing_since_;  // the disk did nothing since then
  uint64_t round_ = 0;
  std::map<node_id, peer> peers_;  // every voter and learner, this node included
};

}  // namespace troupe::core
