#include "actors/log_join.h"

#include "absl/strings/str_cat.h"
#include "actors/core/log_view.h"
#include "proto/trace.h"

namespace troupe {

bool lacks_state(const storage::log_storage& log,
                 const std::optional<storage::snapshot_meta>& newest) {
  return log.purged().last.index > (newest ? newest->last.last.index : log_index());
}

bool holds(const storage::log_storage& log, const log_id& id) {
  return core::log_view(log.purged().last, log.runs(), log.tail().last.index).contains(id);
}

absl::Status join(storage::log_storage& log, const std::optional<storage::snapshot_meta>& newest) {
  const auto begins = log.purged().last.index;
  if (!newest) {
    if (!begins) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("the log begins behind entry ", begins.value,
                                            ", and there is no snapshot of what was before"));
  }
  const auto& end = newest->last;
  if (end.last.index < begins)
    return absl::DataLossError(absl::StrCat("the log begins behind entry ", begins.value,
                                            ", and the newest snapshot ends at entry ",
                                            end.last.index.value));
  if (holds(log, end.last)) return absl::OkStatus();
  TROUPE_EVENT(info) << "the log, which ends at " << log.tail().last
                     << ", starts again behind the snapshot, which ends at " << end.last;
  return log.reset(end);
}

}  // namespace troupe
