#include "actors/core/progress.h"

#include <algorithm>

#include "proto/check.h"
#include "proto/trace.h"

namespace troupe::core {

progress::progress(log_view log, flow_limits limits)
    : log_(std::move(log)), limits_(limits), window_(limits.window), next_(log_.last()) {}

bool progress::may_send() const {
  if (mode_ == mode::snapshot) return false;
  if (mode_ == mode::probing)
    return std::ranges::none_of(flights_, [&](const flight& f) { return f.epoch == epoch_; });
  if (in_flight_ >= limits_.window || count(true) >= limits_.requests) return false;
  // One request keeps the path busy while the next one is on its way, as long as it is not so large
  // that waiting for its answer costs little.
  const flight* oldest = oldest_payload();
  const auto target = window_.target();
  return oldest == nullptr || in_flight_ < target + std::min(oldest->size, target).value;
}

progress::step progress::next() const {
  uint64_t most = 0;
  if (!bare_ && in_flight_ < limits_.window) {
    // Several share the target, so that answers come while the others are on their way.
    most = std::min(limits_.request.value, window_.target().value / 16);
    most = std::clamp<uint64_t>(most, 1, limits_.window.value - in_flight_.value);
  }
  return {tickets_ + 1, next_, next_.index.next(), byte_count(most)};
}

bool progress::may_confirm() const { return count(false) < limits_.requests; }

const progress::flight* progress::oldest_payload() const {
  for (const flight& f : flights_)
    if (f.size && f.epoch == epoch_) return &f;
  return nullptr;
}

size_t progress::count(bool with_payload) const {
  return static_cast<size_t>(std::ranges::count_if(
      flights_, [&](const flight& f) { return bool(f.size) == with_payload; }));
}

progress::step progress::moved_back(const step& s, log_index first) const {
  const log_index before = first - 1;
  const auto leader = log_.leader_at(before);
  TROUPE_CHECK(leader && first <= s.first, "a request starts inside the log");
  return {s.ticket, {*leader, before}, first, s.most};
}

progress::step progress::heartbeat() const {
  const log_id& previous = mode_ == mode::streaming ? common_ : next_;
  return {tickets_ + 1, previous, previous.index.next(), byte_count(0)};
}

void progress::sent(const step& s, const log_id& last, byte_count size, instant now) {
  TROUPE_CHECK(s.ticket == tickets_ + 1, "tickets are used in order");
  TROUPE_CHECK(last.index >= s.previous.index, "a request never goes backwards");
  ++tickets_;
  auto mark = size ? window_.on_sent(size, in_flight_, now) : window::mark{.sent = now};
  flights_.push_back({s.ticket, epoch_, s.previous, size, mark});
  in_flight_ += size.value;
  // A probe that carries batches does not move on before it is answered.
  if (mode_ == mode::streaming) next_ = std::max(next_, last);
}

std::optional<instant> progress::sent_at(uint64_t ticket) const {
  for (const flight& f : flights_)
    if (f.ticket == ticket) return f.mark.sent;
  return std::nullopt;
}

std::optional<progress::flight> progress::land(uint64_t ticket) {
  const auto it = std::ranges::find(flights_, ticket, &flight::ticket);
  if (it == flights_.end()) return std::nullopt;
  const flight landed = *it;
  flights_.erase(it);
  in_flight_ = in_flight_ - landed.size.value;
  return landed;
}

void progress::on_matched(uint64_t ticket, const log_id& durable, instant now) {
  const auto landed = land(ticket);
  if (!landed || landed->epoch != epoch_) return;
  if (landed->size) {
    window_.on_delivered(landed->mark, landed->size, now);
    answered_ = now;
  }
  // The environment may claim anything: what is not in the log of the leader was never sent.
  if (durable != log_id{} && !log_.contains(durable)) return probe_from(landed->previous);
  matched_ = std::max(matched_, durable);
  common_ = std::max({common_, landed->previous, durable});
  next_ = mode_ == mode::streaming ? std::max(next_, common_) : common_;
  if (mode_ != mode::streaming) stream();
}

// What was sent before the probe has arrived or is lost: either way it is no longer in flight.
void progress::stream() {
  TROUPE_EVENT(debug) << "follower matches at " << common_;
  mode_ = mode::streaming;
  bare_ = false;
  std::erase_if(flights_, [&](const flight& f) {
    if (f.epoch == epoch_) return false;
    in_flight_ = in_flight_ - f.size.value;
    return true;
  });
}

void progress::on_conflict(uint64_t ticket, const log_id& hint) {
  const auto landed = land(ticket);
  if (!landed || landed->epoch != epoch_ || mode_ == mode::snapshot) return;
  // The search goes down only. A hint at or above what was asked makes no sense: step back by one.
  const log_id& asked = landed->previous;
  auto at = log_.floor(hint);
  if (at.index >= asked.index) at = log_.floor({asked.leader, asked.index - (asked ? 1 : 0)});
  // A request that overtook another says nothing of what was matched; a probe does.
  if (mode_ == mode::streaming) at = std::max(at, matched_);
  matched_ = std::min(matched_, at);
  TROUPE_EVENT(debug) << "conflict at " << asked << ", hint " << hint << ", go on at " << at;
  if (at && asked == log_.purged()) return need_snapshot();
  probe_from(at);
}

bool progress::on_failure(uint64_t ticket) {
  const auto landed = land(ticket);
  if (!landed || landed->epoch != epoch_) return false;
  if (mode_ == mode::streaming && !landed->size && oldest_payload() != nullptr) return false;
  if (mode_ != mode::snapshot) lose();
  return true;
}

bool progress::on_time(instant now, duration rpc_timeout) {
  const flight* oldest = oldest_payload();
  if (oldest == nullptr) return false;
  // Its turn on the path came when the one before it was answered (RFC 6298, 5.3).
  const auto began = std::max(oldest->mark.sent, answered_);
  if (now - began < rpc_timeout + window_.time_for(oldest->size)) return false;
  lose();
  return true;
}

void progress::lose() {
  TROUPE_EVENT(debug) << "no answer, " << in_flight_ << " bytes in flight";
  window_.on_lost();
  probe_from(mode_ == mode::streaming ? common_ : next_);
}

void progress::need_snapshot() {
  TROUPE_EVENT(debug) << "what is behind " << next_ << " was purged: a snapshot is needed";
  // Heartbeats ask for what it lacks: who has that after all needs no snapshot.
  restart(mode::snapshot, log_.last());
}

void progress::on_installed(const log_id& last) {
  common_ = std::max(common_, last);
  probe_from(last);
}

void progress::probe_from(const log_id& previous) { restart(mode::probing, previous); }

void progress::restart(mode how, const log_id& previous) {
  mode_ = how;
  bare_ = true;
  next_ = previous;
  common_ = std::min(common_, previous);
  ++epoch_;
}

}  // namespace troupe::core
