#include "actors/core/leadership.h"

#include <algorithm>

#include "actors/core/invariants.h"
#include "proto/check.h"
#include "proto/trace.h"

namespace troupe::core {
namespace {

uint64_t ticks(instant t) { return static_cast<uint64_t>(t.time_since_epoch().count()); }

}  // namespace

leadership::leadership(const vote& elected, const membership& members, const log_id& members_at,
                       const log_tail& tail, options o, instant now)
    : elected_(elected),
      chain_{members},
      chain_at_{members_at.index},
      members_at_(members_at),
      options_(o),
      last_(tail),
      first_own_(tail.last.index.next()),
      since_(now) {
  TROUPE_CHECK(elected.committed, "a leader's vote was granted by a quorum");
  for (const auto& [id, node] : members.nodes()) peers_[id];
}

// -- the log --------------------------------------------------------------------------------------

void leadership::on_appended(const log_tail& last, instant now) {
  TROUPE_CHECK(last.last.leader == elected_.leader, "a leader appends its own entries");
  TROUPE_CHECK(last.last.index > last_.last.index, "a leader only ever appends (thesis 3.5)");
  last_ = last;
  under_way_.push_back(last.last.index);
  if (!flushing_since_) flushing_since_ = now;
}

std::optional<log_index> leadership::on_flushed(const log_id& durable, instant now) {
  flushing_since_ = now;
  if (durable == last_.last) flushing_since_.reset();
  // A leader that is no member any more does not count itself (thesis 4.2.2).
  const auto own = peers_.find(elected_.leader.node);
  return own == peers_.end() ? std::nullopt : hold(own->second, durable);
}

std::optional<log_index> leadership::on_acked(node_id from, const log_id& durable, instant sent,
                                              uint64_t round) {
  const auto it = peers_.find(from);
  if (it == peers_.end()) return std::nullopt;
  peer& p = it->second;
  p.heard = std::max(p.heard, sent);
  p.round = std::max(p.round, std::min(round, round_));
  return hold(p, durable);
}

void leadership::forget(node_id id, bool replaced) {
  const auto it = peers_.find(id);
  if (it == peers_.end()) return;
  it->second.durable = {};
  if (replaced) it->second = {};
}

// Whatever a peer claims, only what is in this leader's log counts. What is before its own first
// entry is not known here, and never commits by counting.
std::optional<log_index> leadership::hold(peer& p, const log_id& durable) {
  const bool own = durable.leader == elected_.leader && durable.index <= last_.last.index;
  const bool older = durable.leader < elected_.leader && durable.index < first_own_;
  if (durable.index <= p.durable.index || !(own || older)) return std::nullopt;
  p.durable = durable;
  return advance();
}

// The commit rule: what a write quorum has durably, if this leader wrote it; all before it is then
// committed too (thesis 3.6.2, figure 3.7).
std::optional<log_index> leadership::advance() {
  const log_index held(
      members().held_by(quorum_kind::write, [&](node_id id) { return durable(id).index.value; }));
  if (held <= committed_ || held < first_own_) return std::nullopt;
  check_commit(committed_, held, first_own_, last_.last.index);
  committed_ = held;
  while (!under_way_.empty() && under_way_.front() <= committed_) under_way_.pop_front();
  while (chain_at_.size() > 1 && chain_at_[1] <= committed_) {
    chain_.erase(chain_.begin());
    chain_at_.pop_front();
  }
  TROUPE_EVENT(trace) << elected_ << " committed " << committed_;
  return committed_;
}

// -- membership -----------------------------------------------------------------------------------

bool leadership::settled() const { return committed_ >= first_own_ && members_committed(); }

bool leadership::may_propose(const membership& next) const {
  if (next.configs() == members().configs()) return true;
  if (committed_ < first_own_) return false;
  auto chain = chain_;
  chain.push_back(next);
  return coherent(chain);
}

void leadership::on_membership(const membership& next, const log_id& at) {
  TROUPE_CHECK(may_propose(next), "memberships that are in force at once share a quorum");
  chain_.push_back(next);
  chain_at_.push_back(at.index);
  members_at_ = at;
  std::erase_if(peers_, [&](const auto& p) { return !next.contains(p.first); });
  for (const auto& [id, node] : next.nodes()) peers_[id];
}

bool leadership::answers(node_id id, instant now) const {
  const auto it = peers_.find(id);
  if (it == peers_.end()) return false;
  const instant heard = it->second.heard;
  return id == elected_.leader.node ||
         (heard != instant{} && now < heard + options_.timing.lease());
}

bool leadership::keeps_up(node_id id, uint64_t lag, instant now) const {
  if (!answers(id, now)) return false;
  if (id == elected_.leader.node) return true;
  // A node without a single entry belongs to no cluster yet, and votes for nobody.
  const log_id& has = peers_.at(id).durable;
  return has && has.index.value + lag >= last_.last.index.value;
}

node_id leadership::successor(instant now, const std::set<node_id>& except) const {
  node_id best;
  const auto rank = [&](node_id id) {
    return std::pair(members().nodes().at(id).priority, durable(id).index);
  };
  for (const node_id id : members().voters()) {
    const bool asked = id != elected_.leader.node && !except.contains(id);
    if (!asked || !keeps_up(id, last_.last.index.value, now)) continue;
    if (!best || rank(id) > rank(best)) best = id;
  }
  return best;
}

// -- reads ----------------------------------------------------------------------------------------

uint64_t leadership::confirmed_round() const {
  return members().held_by(quorum_kind::write, [&](node_id id) {
    if (id == elected_.leader.node) return round_;
    const auto it = peers_.find(id);
    return it == peers_.end() ? 0 : it->second.round;
  });
}

// -- time -----------------------------------------------------------------------------------------

instant leadership::followed(instant now) const {
  const auto heard = members().held_by(quorum_kind::write, [&](node_id id) {
    if (id == elected_.leader.node) return ticks(now);
    const auto it = peers_.find(id);
    return it == peers_.end() ? 0 : ticks(it->second.heard);
  });
  return instant(duration(heard));
}

// The election counts as the first sign of life of everybody.
instant leadership::quorum_heard(instant now) const { return std::max(since_, followed(now)); }

bool leadership::leased(instant now) const { return leased(now, 1); }

// A follower counts the lease on its own clock, which may run ahead of this one.
bool leadership::leased(instant now, double drift) const {
  const duration safe(
      static_cast<int64_t>(static_cast<double>(duration(options_.timing.lease()).count()) / drift));
  return now < followed(now) + safe;
}

bool leadership::active(instant now) const {
  return now < quorum_heard(now) + options_.timing.lease();
}

instant leadership::deadline(instant now) const {
  return quorum_heard(now) + 2 * options_.timing.lease();
}

instant leadership::disk_deadline() const {
  return flushing_since_ ? *flushing_since_ + options_.timing.lease() : instant::max();
}

std::optional<instant> leadership::last_heard(node_id id) const {
  const auto it = peers_.find(id);
  if (it == peers_.end() || it->second.heard == instant{}) return std::nullopt;
  return it->second.heard;
}

log_id leadership::durable(node_id id) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? log_id{} : it->second.durable;
}

}  // namespace troupe::core
