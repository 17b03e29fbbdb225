#include "actors/log_join.h"

#include "absl/strings/str_cat.h"
#include "actors/core/log_view.h"
#include "proto/trace.h"

namespace troupe {

absl::Status check_joint(const storage::log_storage& log,
                         const std::optional<storage::snapshot_meta>& newest) {
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
