#include "actors/core/compaction.h"

#include <algorithm>

namespace troupe::core {

bool snapshot_is_due(const compaction& policy, const growth& since) {
  const bool entries =
      policy.snapshot_after_entries != 0 && since.entries >= policy.snapshot_after_entries;
  const bool bytes = policy.snapshot_after_bytes && since.bytes >= policy.snapshot_after_bytes;
  return since.entries > 0 && (entries || bytes) && since.bytes >= since.size;
}

log_index purge_point(const compaction& policy, log_index snapshot, log_index before,
                      std::span<const log_index> needed) {
  log_index held = snapshot;
  for (const auto end : needed) held = std::min(held, end);
  held = std::max(held, before);
  return std::min(held, snapshot - std::min(policy.keep_entries, snapshot.value));
}

}  // namespace troupe::core
