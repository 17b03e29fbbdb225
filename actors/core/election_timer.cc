#include "actors/core/election_timer.h"

#include <algorithm>

#include "actors/core/priority.h"

namespace troupe::core {
namespace {

// The part of the usual random time after which a second try begins: longer than a message takes,
// so that whoever has just won can say so, and shorter than most others wait.
constexpr int soon = 8;

}  // namespace

election_timer::election_timer(const timing& t, instant now, duration jitter)
    : timing_(t), started_(now), jitter_(jitter) {}

void election_timer::prefer(uint32_t own, uint32_t greatest) {
  priority_ = own;
  greatest_priority_ = greatest;
}

void election_timer::start(instant now, duration jitter) {
  started_ = now;
  jitter_ = jitter;
  on_leader_heard();
}

void election_timer::on_leader_heard() {
  waited_ = outclassed_ = gives_way_ = false;
  chance_ = chance::first;
  stood_ = 0;
}

void election_timer::on_granted(instant now, duration jitter) {
  if (waited_) return;
  waited_ = true;
  started_ = now;
  jitter_ = jitter;
  if (chance_ == chance::used) chance_ = chance::repeats;
}

void election_timer::on_stood(instant now, duration jitter) {
  started_ = now;
  jitter_ = jitter;
  waited_ = gives_way_ = false;
  chance_ = chance_ == chance::used ? chance::repeats : chance::first;
  ++stood_;
}

void election_timer::on_outvoted(instant now, duration jitter) {
  if (chance_ != chance::first) return;
  chance_ = chance::used;
  started_ = now;
  jitter_ = jitter;
}

void election_timer::on_outclassed() {
  if (outclassed_) return;
  outclassed_ = gives_way_ = true;
}

instant election_timer::deadline(instant leased_until) const {
  const auto from = std::max(started_, leased_until);
  if (chance_ == chance::used) return from + jitter_ / soon;
  auto wait = jitter_ + priority_delay(priority_, greatest_priority_, stood_, timing_);
  if (gives_way_) wait += 2 * timing_.election_timeout_max;
  return from + wait;
}

}  // namespace troupe::core
