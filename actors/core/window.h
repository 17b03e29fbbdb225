// How many bytes may be on their way to one follower: congestion control by a model of the path.
//
// The path is a pipe with a rate and a least round trip. As long as what is under way fills the
// pipe, more of it only waits in a queue. So the target is what the pipe delivers in its least
// round trip and in a delay that is allowed on top: once more the round trip, or 25 ms where that
// is longer. The allowance lets the rate be found, because a window above what the path holds
// shows a rate that grows for as long as the path has more, and it covers the follower's flush,
// whose time is part of the round trip and may grow with what is flushed together.
//
// It follows BBR: Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5),
// 2016. The rate is sampled over whole round trips, so that it does not matter whether
// acknowledgements come one by one or all after one flush (draft-cheng-iccrg-delivery-rate-
// estimation). Nothing is paced: requests are large and few, and sent when one was answered.
//
// A value, not thread safe. Times are the caller's clock.
#pragma once

#include <array>

#include "proto/ids.h"

namespace troupe::core {

class window {
 public:
  // `ceiling`: the target never exceeds it.
  explicit window(byte_count ceiling) : ceiling_(ceiling) {}

  // The bytes that should be under way. At least one request may be, however small this is.
  byte_count target() const;
  // How long `size` bytes may take, generously: at half the measured rate, or `slowest_per_byte`
  // before there is one.
  duration time_for(byte_count size) const;

  // What is remembered of a request while it is under way.
  struct mark {
    instant sent;
    instant sent_before;   // the newest request that was delivered by then was sent then,
    instant delivered_at;  // and delivered then
    uint64_t delivered = 0;
    bool full = false;  // the target was about reached: what limits the rate is the path
    bool draining = false;
  };
  // A request of `size` bytes is sent behind `under_way` others.
  mark on_sent(byte_count size, byte_count under_way, instant now);
  // It was answered; in any order.
  void on_delivered(const mark& m, byte_count size, instant now);
  // The path is not what it was: nothing is known of it.
  void on_lost() { *this = window(ceiling_); }

 private:
  // Bytes a second; 0 as long as nothing is known.
  double rate() const;
  duration delay() const;
  void measure_rate(const mark& m, byte_count size, duration round_trip, instant now);
  void measure_round_trip(const mark& m, duration round_trip, instant now);

  byte_count ceiling_;
  uint64_t delivered_ = 0;
  instant delivered_at_, sent_before_;

  // The greatest rate of each of the last rounds. A round ends when a request is answered that was
  // sent after it began.
  std::array<double, 4> rates_{};
  size_t round_ = 0;
  uint64_t round_began_ = 0;

  duration least_{0};  // round trip of a request with payload
  instant least_at_;
  bool draining_ = false;  // the queue is emptied, to see the least round trip again
};

}  // namespace troupe::core
