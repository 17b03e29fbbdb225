// Reads (thesis 6.4): the leader confirms that it still leads, by a round that concurrent reads
// share or by its lease, and hands the query to the state machine with the index it must see.
#include "actors/leader.h"
#include "actors/patience.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

caf::result<outcome> leader::on_read(const read& m) {
  TROUPE_SPAN(debug, "leader.read", "request=" << m.id << " queries=" << m.queries.size());
  query q{{}, {}, m.id, m.queries, now() + bounded(m.patience), m.most};
  if (const auto why = refuse_now(q.cost()); why != raft_errc::none) return refusal(m.id, why);
  under_way_ += q.cost();
  q.to = route::of_current(self_, refusal(m.id, raft_errc::not_leader));
  // From the moment that a transfer starts another leader may be elected within the lease.
  const bool leased = m.mode == read_mode::lease && !lease_void_ &&
                      protocol_.leased(now(), options_.limits.clock_drift);
  if (leased) {
    q.index = protocol_.leased_read_index();
    confirmed_.push_back(std::move(q));
    release_reads();
  } else {
    reads_.push_back({protocol_.round() + 1, std::move(q)});
    want_round();
  }
  return caf::delegated<outcome>{};
}

// One round at a time; reads that arrive meanwhile share the next one.
void leader::want_round() {
  if (round_wanted_ || protocol_.confirmed_round() != protocol_.round()) return;
  round_wanted_ = true;
  if (!std::exchange(seal_wanted_, true)) self_->send(self_, seal_now{});
}

void leader::start_round() {
  round_wanted_ = false;
  // What was proposed before a read must be in the log for the read to see it.
  if (gathered()) seal(batch_kind::commands);
  for (auto& r : reads_) r.what.index = protocol_.read_index();
  followers_.tell(confirm{protocol_.begin_round(), protocol_.committed()});
  confirm_reads();
}

void leader::confirm_reads() {
  const auto confirmed = protocol_.confirmed_round();
  while (!reads_.empty() && reads_.front().round <= confirmed) {
    confirmed_.push_back(std::move(reads_.front().what));
    reads_.pop_front();
  }
  release_reads();
  if (!reads_.empty() && confirmed == protocol_.round()) start_round();
}

// What is not committed may never be: such a query waits here, where it is answered when the
// leadership ends.
void leader::release_reads() {
  while (!confirmed_.empty() && confirmed_.front().index <= protocol_.committed()) {
    under_way_ = under_way_ - confirmed_.front().cost();
    self_->send(options_.machine, std::move(confirmed_.front()));
    confirmed_.pop_front();
  }
}

void leader::refuse_reads() {
  for (auto& r : reads_) confirmed_.push_back(std::move(r.what));
  for (auto& q : confirmed_) q.to.deliver_at_end(refusal(q.id, why_refused_));
}

}  // namespace troupe
