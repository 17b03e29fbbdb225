#include "storage/reseal_snapshot.h"

#include "storage/try.h"

namespace troupe::storage {

absl::StatusOr<log_tail> reseal_snapshot(snapshot_reader& from, const batch& first,
                                         leader_id leader, snapshot_store& to) {
  snapshot_meta meta;
  // No batch ends there. The checksum only ties what follows to this cluster.
  meta.last = {{leader, from.meta().last.last.index}, first.checksum()};
  meta.membership_at = first.last();
  meta.membership = std::string(*first.entries().begin());
  meta.cluster = first.checksum();
  TROUPE_TRY_LET(const auto copy, to.begin(meta));
  for (;;) {
    TROUPE_TRY_LET(const auto block, from.next());
    if (block.empty()) break;
    TROUPE_TRY(copy->add(block));
  }
  TROUPE_TRY(copy->finish());
  TROUPE_TRY(to.keep());
  return meta.last;
}

}  // namespace troupe::storage
