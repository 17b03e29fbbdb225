#include "storage/reseal.h"

#include "proto/check.h"

namespace troupe::storage {

batch_ptr reseal(const batch& old, leader_id leader, const log_tail& previous) {
  TROUPE_CHECK(old.first_index() == previous.last.index.next(), "entries keep their indices");
  batch_builder builder;
  if (old.kind() == batch_kind::commands) {
    builder.add_all(old.entries());
    return builder.seal(batch_kind::commands, leader, previous, old.request());
  }
  builder.add("");
  return builder.seal(batch_kind::blank, leader, previous);
}

}  // namespace troupe::storage
