#include "actors/core/leadership.h"

#include <algorithm>

#include "actors/core/invariants.h"
#include "proto/check.h"
#include "proto/trace.h"

namespace troupe::core {
namespace {

uint64_t ticks(instant t) { return static_cast<uint64_t>(t.time_since_epoch().count()); }

}  // namespace

leadership::leadership(const vote& elected, const membership& members, const log_tail& tail,
                       options o, instant now)
    : elected_(elected),
      members_(members),
      options_(o),
      last_(tail),
      first_own_(tail.last.index.next()),
      since_(now) {
  TROUPE_CHECK(elected.committed, "a leader's vote was granted by a quorum");
  TROUPE_CHECK(members.is_voter(elected.leader.node), "a leader is a voter");
  for (const auto& [id, node] : members_.nodes()) peers_[id];
}

// -- the log --------------------------------------------------------------------------------------

void leadership::on_appended(const log_tail& last) {
  TROUPE_CHECK(last.last.leader == elected_.leader, "a leader appends its own entries");
  TROUPE_CHECK(last.last.index > last_.last.index, "a leader only ever appends (thesis 3.5)");
  last_ = last;
  under_way_.push_back(last.last.index);
}

std::optional<log_index> leadership::on_flushed(const log_id& durable) {
  return hold(peers_[elected_.leader.node], durable);
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

void leadership::forget(node_id id) {
  if (const auto it = peers_.find(id); it != peers_.end()) it->second = {};
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
      members_.held_by(quorum_kind::write, [&](node_id id) { return durable(id).index.value; }));
  if (held <= committed_ || held < first_own_) return std::nullopt;
  check_commit(committed_, held, first_own_, last_.last.index);
  committed_ = held;
  while (!under_way_.empty() && under_way_.front() <= committed_) under_way_.pop_front();
  TROUPE_EVENT(trace) << elected_ << " committed " << committed_;
  return committed_;
}

// -- reads ----------------------------------------------------------------------------------------

uint64_t leadership::confirmed_round() const {
  return members_.held_by(quorum_kind::write, [&](node_id id) {
    if (id == elected_.leader.node) return round_;
    const auto it = peers_.find(id);
    return it == peers_.end() ? 0 : it->second.round;
  });
}

// -- time -----------------------------------------------------------------------------------------

instant leadership::followed(instant now) const {
  const auto heard = members_.held_by(quorum_kind::write, [&](node_id id) {
    if (id == elected_.leader.node) return ticks(now);
    const auto it = peers_.find(id);
    return it == peers_.end() ? 0 : ticks(it->second.heard);
  });
  return instant(duration(heard));
}

// The election counts as the first sign of life of everybody.
instant leadership::quorum_heard(instant now) const { return std::max(since_, followed(now)); }

bool leadership::leased(instant now) const { return now < followed(now) + options_.timing.lease(); }

bool leadership::active(instant now) const {
  return now < quorum_heard(now) + options_.timing.lease();
}

instant leadership::deadline(instant now) const {
  return quorum_heard(now) + 2 * options_.timing.lease();
}

std::optional<instant> leadership::last_heard(node_id id) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? std::nullopt : std::optional(std::max(since_, it->second.heard));
}

log_id leadership::durable(node_id id) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? log_id{} : it->second.durable;
}

}  // namespace troupe::core
