#include "actors/core/window.h"

#include <algorithm>

#include "actors/core/timing.h"

namespace troupe::core {
namespace {

using seconds = std::chrono::duration<double>;

// Before anything is known, and what is never worth to go below.
constexpr byte_count initial = KiB(128), least_target = KiB(4);
// Short for a heartbeat, long for a flush.
constexpr duration least_allowance = std::chrono::milliseconds(25);
// A least round trip that is older may be that of another route (BBR: ten seconds as well).
constexpr duration believed = std::chrono::seconds(10);

}  // namespace

double window::rate() const { return *std::ranges::max_element(rates_); }

duration window::delay() const { return least_ + std::max(least_, least_allowance); }

byte_count window::target() const {
  if (rate() == 0) return std::min(initial, ceiling_);
  const seconds filled = draining_ ? least_ / 2 : delay();
  const auto bytes = std::min(rate() * filled.count(), static_cast<double>(ceiling_.value));
  const byte_count target(static_cast<uint64_t>(bytes));
  return draining_ ? target : std::min(std::max(target, least_target), ceiling_);
}

duration window::time_for(byte_count size) const {
  if (rate() == 0) return timing::slowest_per_byte * static_cast<int64_t>(size.value);
  return std::chrono::duration_cast<duration>(
      seconds(2 * static_cast<double>(size.value) / rate()));
}

window::mark window::on_sent(byte_count size, byte_count under_way, instant now) {
  // Time in which nothing was under way says nothing of the path.
  if (under_way == byte_count(0)) delivered_at_ = sent_before_ = now;
  const bool full = !draining_ && 2 * (under_way.value + size.value) >= target().value;
  return {now, sent_before_, delivered_at_, delivered_, full, draining_};
}

void window::on_delivered(const mark& m, byte_count size, instant now) {
  const duration round_trip = now - m.sent;
  delivered_ += size.value;
  delivered_at_ = now;
  sent_before_ = std::max(sent_before_, m.sent);
  measure_rate(m, size, round_trip, now);
  measure_round_trip(m, round_trip, now);
}

void window::measure_rate(const mark& m, byte_count size, duration round_trip, instant now) {
  // Neither faster than it was sent nor than it was acknowledged.
  const duration over = std::max(
      {now - m.delivered_at, m.sent - m.sent_before, duration(std::chrono::microseconds(1))});
  const double sample = static_cast<double>(delivered_ - m.delivered) /
                        std::chrono::duration_cast<seconds>(over).count();
  // Where the sender had no more to send, the path can do more than the sample says.
  if (!m.full) {
    if (rate() != 0 && sample > rate()) rates_[round_] = sample;
    return;
  }
  // A queue that is much longer than allowed: the path has become slower, and all that was measured
  // before is wrong.
  if (rate() != 0 && round_trip > 2 * delay() + time_for(size)) rates_.fill(0);
  if (m.delivered >= round_began_) {
    round_began_ = delivered_;
    round_ = (round_ + 1) % rates_.size();
    rates_[round_] = 0;
  }
  rates_[round_] = std::max(rates_[round_], sample);
}

void window::measure_round_trip(const mark& m, duration round_trip, instant now) {
  if (least_ == duration(0) || m.draining || round_trip <= least_) {
    least_ = std::max(round_trip, duration(1));
    least_at_ = now;
    draining_ = false;
  } else if (now - least_at_ > believed) {
    draining_ = true;
  }
}

}  // namespace troupe::core
