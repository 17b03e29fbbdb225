// How much of a snapshot a follower has, and which piece of it to send next (thesis 5.3).
//
// First the follower is asked where it stands: it may have a part from before a connection broke,
// or from an earlier leader. Then several pieces are under way, each starting where the one before
// ends; how many bytes is up to the window. The follower takes them in order and answers from which
// offset on it lacks the rest. When something got lost, or it lacks more than it did, it is asked
// again. When it has all, it is asked to install it.
//
// A value, not thread safe. Time is an argument.
#pragma once

#include <deque>
#include <optional>

#include "actors/core/timing.h"
#include "actors/core/window.h"
#include "proto/ids.h"

namespace troupe::core {

// How long a follower may take to look through all of a snapshot of so many bytes; then it is asked
// again.
constexpr duration time_to_install(const timing& t, uint64_t size) {
  constexpr duration slowest_per_byte{1'000'000'000 / (16 << 20)};
  return t.rpc_timeout() + static_cast<int64_t>(size) * slowest_per_byte;
}

class chunk_cursor {
 public:
  // Bytes of one piece, but for the last; more where the path holds more, since heartbeats to the
  // same follower wait behind it.
  static constexpr uint64_t shortest = 16 << 10, longest = 256 << 10;
  static constexpr byte_count most{2 << 20};  // sent and not answered, on any path

  // Of a snapshot of so many bytes.
  explicit chunk_cursor(uint64_t size) : size_(size), window_(most) {}

  // To send now. Without bytes it asks.
  struct piece {
    uint64_t ticket;
    uint64_t offset;
    uint64_t length;
  };
  std::optional<piece> next() const;
  void sent(const piece& p, instant now);

  // Each ticket is answered at most once, by one of these. Those from before it was asked anew say
  // nothing.
  void on_wanted(uint64_t ticket, uint64_t offset, instant now);
  void on_failure(uint64_t ticket);
  // When a piece was sent whose answer still counts.
  std::optional<instant> sent_at(uint64_t ticket) const;

  // The follower has all up to here.
  uint64_t acknowledged() const { return acknowledged_; }
  bool all_there() const { return known_ && acknowledged_ == size_; }
  byte_count under_way() const { return under_way_; }

 private:
  struct flight {
    uint64_t ticket;
    uint64_t offset;
    uint64_t length;
    window::mark mark;
  };
  void ask_anew();

  uint64_t size_;
  window window_;
  bool known_ = false;  // where the follower stands
  uint64_t acknowledged_ = 0;
  uint64_t next_ = 0;
  uint64_t tickets_ = 0;
  std::deque<flight> flights_;
  byte_count under_way_;
};

}  // namespace troupe::core
