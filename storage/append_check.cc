#include "storage/append_check.h"

#include <absl/strings/str_cat.h>

namespace troupe::storage {

absl::Status check_follows(const log_tail& tail, std::span<const batch_ptr> batches) {
  log_tail at = tail;
  for (const auto& batch : batches) {
    if (batch->first_index() != at.last.index.next())
      return absl::FailedPreconditionError(absl::StrCat(
          "batch at index ", batch->first_index().value, " after entry ", at.last.index.value));
    if (batch->previous_checksum() != at.checksum)
      return absl::FailedPreconditionError(
          absl::StrCat("batch at index ", batch->first_index().value,
                       " continues another log: it names another batch before it"));
    at = batch->tail();
  }
  return absl::OkStatus();
}

}  // namespace troupe::storage
