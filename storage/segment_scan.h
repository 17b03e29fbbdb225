// Reading a whole segment at the start: which batches it holds, where they end, and whether what is
// behind them is the normal end, a torn write, or damage.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "storage/segment_format.h"

namespace troupe::storage {

struct scan_result {
  // The position behind the last batch or mark.
  uint64_t end = 0;
  // The end of the log there.
  log_tail tail;
  // Something that is neither a batch nor zeros stands behind `end`, and nothing shows that it was
  // ever durable: the last write was cut off.
  bool torn = false;
  // The last thing before `end` is a mark.
  bool marked = false;
  // Marks that are damaged, though the batches behind them are not.
  std::vector<mark> lost_marks;
  // Not ok: bytes behind `end` are damaged that were durable once; kDataLoss, with path and offset.
  absl::Status damage;
};

// `content` is the whole file, `header` its decoded header. Every batch is verified (its bytes, its
// place in the chain, its index) and given to `visit` with its offset, up to the end or the first
// damage. In any segment but the newest every byte was durable once, in the newest all before a
// mark, and all up to the entry `durable`, as is known from elsewhere (vote_file.h).
//
// kUnimplemented when an intact batch has a version that is not known here.
absl::StatusOr<scan_result> scan_segment(
    const std::string& path, std::string_view content, const segment_header& header, bool newest,
    const log_id& durable, absl::FunctionRef<void(uint64_t offset, const batch_ptr& batch)> visit);

// The end of the log as far as it can still be read behind damage, from `from` on: marks say where
// batches begin again. Empty when there is none. Of `segment`, only the sequence and the
// incarnation matter.
log_tail last_readable(std::string_view content, const segment_header& segment, uint64_t from);

// Gives each batch behind `from` that is intact to `visit`, wherever it begins and whether it was
// ever durable or not; also one that is a part of another's commands. `segment` as of
// last_readable.
void visit_readable(std::string_view content, const segment_header& segment, uint64_t from,
                    absl::FunctionRef<void(uint64_t offset, const batch_ptr& batch)> visit);

// The batch that `rest` begins with. kDataLoss when it is damaged or not all there, kUnimplemented
// when it has a version that is not known here.
absl::StatusOr<batch_ptr> batch_at(std::string_view rest);

// True when all of `bytes` are zero.
bool all_zero(std::string_view bytes);

}  // namespace troupe::storage
