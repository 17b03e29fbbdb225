// Bytes that go no faster than a rate: the next may go when those before it have had their time.
//
// A value, not thread safe. Time is an argument.
#pragma once

#include <algorithm>

#include "proto/ids.h"

namespace troupe::core {

// Of so many bytes at so many a second, more than 0.
constexpr duration time_for(uint64_t bytes, byte_count rate) {
  return duration(static_cast<int64_t>(1'000'000'000 * bytes / rate.value));
}

class pace {
 public:
  // Bytes a second; 0: as they come.
  explicit constexpr pace(byte_count rate = {}) : rate_(rate) {}

  constexpr bool may_go(instant now) const { return now >= next_; }
  // From when on they may.
  constexpr instant next() const { return next_; }
  // So many went, at once.
  constexpr void went(uint64_t bytes, instant now) {
    if (rate_) next_ = std::max(next_, now) + time_for(bytes, rate_);
  }

 private:
  byte_count rate_;
  instant next_{};
};

}  // namespace troupe::core
