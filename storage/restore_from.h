// What nodes do between them, in one call: for tests.
#pragma once

#include <absl/status/status.h>

#include "storage/log_storage.h"

namespace troupe::storage {

// `storage` asks `other` for what it misses, `most` bytes at a time, until it is whole or gets no
// further.
inline absl::Status restore_from(log_storage& storage, log_storage& other,
                                 byte_count most = MiB(1)) {
  for (;;) {
    const auto before = storage.tail();
    const auto missing = storage.restore();
    if (!missing.ok()) return missing.status();
    if (!*missing && storage.tail() == before) return absl::OkStatus();
    if (!*missing) continue;
    const auto found = other.find(**missing, most);
    if (!found.ok() || found->empty()) return found.status();
    if (auto kept = storage.keep_aside(*found); !kept.ok()) return kept;
  }
}

}  // namespace troupe::storage
