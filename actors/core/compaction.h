// When a node makes a snapshot, and how much of the log it then keeps (thesis 5.1).
//
// Pure functions of numbers: the state machine asks when a snapshot is due, the server what to
// purge.
#pragma once

#include <optional>
#include <span>

#include "proto/ids.h"

namespace troupe::core {

// All of it may change while the node runs.
struct compaction {
  // A snapshot is due when the log has grown by so many entries, or by so many bytes, since the
  // last one; 0: not for that reason, and with both never by itself.
  uint64_t snapshot_after_entries = 1'000'000;
  byte_count snapshot_after_bytes = MiB(256);
  // So many entries before a snapshot stay in the log, for followers that are a little behind.
  uint64_t keep_entries = 10'000;
  // Bytes a second that a snapshot is written with; 0: as fast as the disk.
  byte_count snapshot_rate = MiB(64);
  // Bytes a second that one is sent with to each follower; 0: as fast as the path.
  byte_count send_rate = MiB(32);
  // zstd's level for what is sent, 1 to 19; 0: as it is.
  uint32_t compression = 0;

  bool operator==(const compaction&) const = default;
};

// How the log has grown since the last snapshot, which has `size` bytes; 0 for none.
struct growth {
  uint64_t entries = 0;
  byte_count bytes;
  byte_count size;
};

// A snapshot costs its size, so none is made for less log than that, whatever the policy says.
bool snapshot_is_due(const compaction& policy, const growth& since);

// All up to here may go from the log, now that there is a snapshot up to `snapshot`. `before`:
// where the one before it ended, 0 for none. `needed`: the ends of the logs of followers that
// answer. What they lack stays, but only back to `before`: who is further behind gets the snapshot,
// or the log would grow without bound.
log_index purge_point(const compaction& policy, log_index snapshot, log_index before,
                      std::span<const log_index> needed);

}  // namespace troupe::core
