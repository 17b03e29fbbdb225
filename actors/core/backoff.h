// How long to wait before something is tried again: twice as long each time, between two bounds.
//
// A value, not thread safe.
#pragma once

#include <algorithm>

#include "proto/ids.h"

namespace troupe::core {

class backoff {
 public:
  constexpr backoff(duration least, duration most) : least_(least), most_(most) {}

  // It failed once more.
  constexpr duration next() { return pause_ = std::clamp(2 * pause_, least_, most_); }
  // It went well, or is something else.
  constexpr void reset() { pause_ = {}; }

 private:
  duration least_, most_;
  duration pause_{};
};

}  // namespace troupe::core
