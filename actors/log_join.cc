#include "actors/log_join.h"

#include "absl/strings/str_cat.h"
#include "actors/core/log_view.h"
#include "proto/trace.h"

namespace troupe {
namespace {

// The checksum of the batch that began the log; 0 where the log does not tell.
uint64_t cluster_of(storage::log_storage& log) {
  if (log.purged().last) return log.first();
  if (!log.tail().last) return 0;
  const auto first = log.read(log_index(1), byte_count(0));
  return first.ok() ? first->front()->checksum() : 0;
}

absl::Status check_cluster(storage::log_storage& log,
                           const std::optional<storage::snapshot_meta>& snapshot) {
  const auto cluster = cluster_of(log);
  if (!snapshot || cluster == 0 || snapshot->cluster == cluster) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the snapshot up to entry ", snapshot->last.last.index.value,
                   ", or `beginning` that tells of it, is of another cluster than the log; move it "
                   "away"));
}

}  // namespace

absl::StatusOr<log_beginning> find_beginning(storage::log_storage& log,
                                             const storage::snapshot_store* snapshots) {
  log_beginning found;
  if (snapshots) found.newest = snapshots->newest_meta();
  const auto joint = check_joint(log, found.newest);
  if (!joint.ok() && !snapshots)
    return absl::DataLossError(absl::StrCat(
        joint.message(), ", since the node was given no snapshots (node_options::snapshots)"));
  if (!joint.ok() && !absl::IsDataLoss(joint)) return joint;
  found.lost = std::string(joint.message());
  if (!snapshots || !snapshots->damaged()) return found;
  const auto& [why, meta] = *snapshots->damaged();
  if (auto status = check_cluster(log, meta); !status.ok()) return status;
  if (!joint.ok()) found.lost = why;
  if (meta && meta->last.last.index >= log.purged().last.index) found.damaged = meta;
  return found;
}

absl::Status check_joint(storage::log_storage& log,
                         const std::optional<storage::snapshot_meta>& newest) {
  if (auto status = check_cluster(log, newest); !status.ok()) return status;
  const auto begins = log.purged().last.index;
  const auto ends = newest ? newest->last.last.index : log_index();
  if (ends >= begins) return absl::OkStatus();
  const auto what = newest ? absl::StrCat("and the newest snapshot ends at entry ", ends.value)
                           : std::string("and there is no snapshot of what was before");
  return absl::DataLossError(
      absl::StrCat("the log begins behind entry ", begins.value, ", ", what));
}

bool holds(const storage::log_storage& log, const log_id& id) {
  return core::log_view(log.purged().last, log.runs(), log.tail().last.index).contains(id);
}

absl::Status join(storage::log_storage& log, const std::optional<storage::snapshot_meta>& newest) {
  if (auto status = check_joint(log, newest); !status.ok() || !newest) return status;
  const auto& end = newest->last;
  if (holds(log, end.last)) return absl::OkStatus();
  TROUPE_EVENT(info) << "the log, which ends at " << log.tail().last
                     << ", starts again behind the snapshot, which ends at " << end.last;
  return log.reset(end);
}

}  // namespace troupe
