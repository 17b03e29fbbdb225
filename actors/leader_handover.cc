// The end of a leadership: handed over on request (thesis 3.10), because this node was removed, or
// because its disk stalls; given up when no quorum answers.
#include "absl/strings/str_cat.h"
#include "actors/leader.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

// -- transfer -------------------------------------------------------------------------------------

caf::result<admin_reply> leader::on_transfer(const admin_request& m, node_id to) {
  if (to == options_.id) return admin_reply{raft_errc::none, to, {}, "it leads already"};
  if (handover_)
    return admin_reply{raft_errc::busy, {}, {}, "the leadership is being handed over already"};
  if (change_)
    return admin_reply{raft_errc::change_in_progress, {}, {}, "the members are being changed"};
  if (to && !protocol_.members().is_voter(to))
    return admin_reply{
        raft_errc::not_allowed, {}, {}, absl::StrCat("node ", to.value, " is no voter")};
  if (replaced_.contains(to)) return refusal_of_replaced(to);
  if (!to) to = protocol_.successor(now());
  if (!to) return admin_reply{raft_errc::not_ready, {}, {}, "no other voter answers"};
  begin_handover({to, now() + m.patience, /*leaving=*/false, who_asks()});
  return caf::delegated<admin_reply>{};
}

caf::result<admin_reply> leader::on_abort_transfer() {
  if (!handover_ || handover_->leaving)
    return admin_reply{raft_errc::not_allowed, {}, {}, "no transfer is in progress"};
  abandon_handover(raft_errc::dropped, "the transfer was aborted");
  return admin_reply{raft_errc::none, options_.id, {}, ""};
}

void leader::begin_handover(handover h) {
  TROUPE_EVENT(info) << "n" << options_.id << " hands over to n" << h.to;
  handover_ = std::move(h);
  step_handover();
  watch();
}

// While the successor is far behind, writes go on; then they wait, for an election timeout at most.
void leader::step_handover() {
  auto& h = *handover_;
  if (!h.closed) {
    if (!protocol_.keeps_up(h.to, options_.limits.caught_up_within, now())) return;
    // It does not stand for election before its log names its data directory.
    if (incarnations_.contains(h.to)) return;
    h.closed = true;
    h.until = std::min(h.until, now() + options_.timing.election_timeout_max);
    if (gathered()) seal(batch_kind::commands);
    watch();
  }
  if (!h.asked && protocol_.durable(h.to) == protocol_.last().last) ask_successor();
}

// From here on another leader may be elected at any time, and its word may come late: the lease of
// this leadership is void for good.
void leader::ask_successor() {
  auto& h = *handover_;
  h.asked = lease_void_ = true;
  self_->send(options_.server, handing_over{h.to});
  const core::transfer_request request{h.to, options_.elected, protocol_.last().last,
                                       options_.cluster};
  const auto again = [this, to = h.to] {
    if (handover_ && handover_->to == to) handover_->asked = false;
  };
  self_->request(followers_.link(h.to), options_.timing.election_timeout_min, request)
      .then(
          [again](const core::transfer_reply& r) {
            if (!r.accepted) again();
          },
          [again](const caf::error&) { again(); });
}

void leader::on_succeeded(const handing_over& m) {
  if (handover_ && handover_->to == m.to)
    handover_->who_asked.deliver(self_, admin_reply{raft_errc::none, m.to, {}, ""});
}

void leader::abandon_handover(raft_errc code, std::string why) {
  TROUPE_EVENT(info) << "n" << options_.id << " leads on: " << why;
  auto h = std::exchange(handover_, std::nullopt);
  if (!can_serve()) declined_.insert(h->to);
  self_->send(options_.server, handing_over{});
  h->who_asked.deliver(self_, admin_reply{code, options_.id, {}, std::move(why)});
  tend_members();  // what rested meanwhile
}

// -- when this node cannot go on ------------------------------------------------------------------

void leader::leave() {
  if (handover_) {
    handover_->leaving = true;
    return;
  }
  const auto to = protocol_.successor(now());
  if (!to) return end(raft_errc::deposed);
  begin_handover({to, now() + options_.timing.election_timeout_max, /*leaving=*/true, {}});
}

void leader::on_tick(const tick& t) {
  if (!watch_.on_tick(self_, t)) return;
  const auto time = now();
  if (time >= protocol_.deadline(time) && !way_back_helps()) return end(raft_errc::quorum_lost);
  if (handover_ && time >= handover_->until) {
    if (handover_->leaving) return end(raft_errc::deposed);
    abandon_handover(raft_errc::not_ready,
                     absl::StrCat("node ", handover_->to.value, " did not take over in time"));
  }
  if (handover_) step_handover();
  give_up_change_in_time();
  // A stalled disk holds up nobody but this node: its followers commit without it, as long as
  // somebody else can lead.
  if (time >= protocol_.disk_deadline() && !handover_) {
    TROUPE_EVENT(warn) << "n" << options_.id << ": the disk does not answer";
    leave();
  }
  if (full_) look_for_room();
  make_way();
  watch();
}

// The next thing that must not come late.
void leader::watch() {
  const auto time = now();
  auto next =
      std::min({protocol_.deadline(time), time + options_.timing.lease(),
                std::max(time + options_.timing.heartbeat_interval, protocol_.disk_deadline())});
  if (change_) next = std::min(next, change_->until);
  if (handover_)
    next = std::min({next, handover_->until, time + options_.timing.heartbeat_interval});
  watch_.set(self_, next);
  publish();
}

}  // namespace troupe
