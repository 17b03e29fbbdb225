// How long a node waits for what. Names and defaults are openraft's.
#pragma once

#include "proto/ids.h"

namespace troupe::core {

struct timing {
  duration election_timeout_min = std::chrono::milliseconds(150);
  duration election_timeout_max = std::chrono::milliseconds(300);
  duration heartbeat_interval = std::chrono::milliseconds(50);

  // A follower hears of a commit with the next request; where none is sent within this time, in a
  // message for it alone. A client that writes one command after the other has sent the next one.
  constexpr duration commit_notice() const { return heartbeat_interval / 32; }
  // For this long after it heard of its leader a node grants no vote to others.
  constexpr duration lease() const { return election_timeout_max; }
  // A request to a peer that has no answer by then has failed.
  constexpr duration rpc_timeout() const { return 4 * election_timeout_max; }
  // The same for a request of, and behind, so many bytes of payload, over any link that is fit for
  // use: 16 KiB/s.
  static constexpr duration slowest_per_byte{1'000'000'000 / (16 << 10)};
  constexpr duration rpc_timeout(byte_count payload) const {
    return rpc_timeout() + static_cast<int64_t>(payload.value) * slowest_per_byte;
  }
};

}  // namespace troupe::core
