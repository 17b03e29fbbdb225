// What is left of a cluster in the log of one node, and the new cluster that begins with it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "actors/core/membership.h"
#include "storage/refound.h"
#include "storage/snapshot_file.h"

namespace troupe::tools {

struct remains {
  node_id node;
  vote voted;
  log_id last;
  uint64_t commands = 0;
  log_index snapshot;        // they stand behind this entry, and before it is a snapshot
  core::membership members;  // in force in this log
  log_id members_at;
  std::optional<storage::lost_entries> lost;  // to damage
};

// Reads the whole log of `node`, which goes on from `snapshot` where its beginning was purged.
// kFailedPrecondition, with one line, where no cluster can begin with it: it is empty, lacks its
// beginning, or knows no membership that this node takes part in; the log's error otherwise.
absl::StatusOr<remains> read_remains(storage::log_storage& log, node_id node,
                                     const std::optional<storage::snapshot_meta>& snapshot = {});

// The node alone, at the address that it had. `incarnation`, of its new data directory, makes the
// first batch, and so the cluster's id, unlike any other. The term is above all that were: no log
// id comes twice.
storage::refounding new_cluster(const remains& r, uint64_t incarnation);

// What an operator must know before it begins.
std::string explanation(const remains& r, const std::string& dir);
// What is written down when it has begun.
std::string record_of(const remains& r, const std::string& dir, absl::Time when);

}  // namespace troupe::tools
