#include "tools/kv/machine.h"

#include "tools/kv/snapshot.h"

namespace troupe::kv {

void machine::apply(log_index, frames_view batch, frames& results) {
  for (const std::string_view bytes : batch) commands_.apply(bytes, results);
}

void machine::query(std::string_view question, frames& results) {
  commands_.query(question, results);
}

std::unique_ptr<snapshot_source> machine::begin_snapshot() {
  return std::make_unique<snapshot>(data_, sessions_);
}

absl::Status machine::restore(snapshot_source& from) {
  auto how = kv::restore(from, data_, sessions_);
  // Nothing is left of what was there before.
  return absl::IsDataLoss(how) ? absl::InternalError(how.message()) : how;
}

}  // namespace troupe::kv
