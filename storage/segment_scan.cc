#include "storage/segment_scan.h"

#include <algorithm>

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include "storage/append_check.h"

namespace troupe::storage {
namespace {

absl::Status damaged(const std::string& path, uint64_t offset, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, " at offset ", offset, ": ", what));
}

// Whether the log goes on where it would behind a mark at `offset`: with another mark, a batch that
// continues it, or one of a newer Troupe.
bool goes_on_behind_a_mark(std::string_view content, const segment_header& header, uint64_t offset,
                           const log_tail& tail) {
  const uint64_t behind = offset + mark::size;
  if (behind >= content.size()) return false;
  const auto rest = content.substr(behind);
  if (const auto m = decode_mark(header, behind, rest)) return m->tail == tail;
  const auto next = batch_at(rest);
  if (!next.ok()) return absl::IsUnimplemented(next.status());
  const batch_ptr found[] = {*next};
  return check_follows(tail, found).ok();
}

// Where in `rest`, behind its first byte, a batch begins; its end where none does. Commands may
// hold what looks like one: no more than `budget` bytes are hashed in search of it.
size_t next_batch(std::string_view rest, uint64_t& budget) {
  for (size_t at = 1; at + batch::header_size <= rest.size(); ++at) {
    const size_t length = batch::peek_length(rest.substr(at));
    if (length == 0 || length > rest.size() - at) continue;
    if (length > budget) break;
    budget -= length;
    if (batch_at(rest.substr(at)).ok()) return at;
  }
  return rest.size();
}

}  // namespace

absl::StatusOr<batch_ptr> batch_at(std::string_view rest) {
  const size_t length = batch::peek_length(rest);
  if (length == 0 || length > rest.size()) return absl::DataLossError("batch: length does not fit");
  return batch::parse(std::string(rest.substr(0, length)));
}

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

absl::StatusOr<scan_result> scan_segment(
    const std::string& path, std::string_view content, const segment_header& header, bool newest,
    const log_id& durable, absl::FunctionRef<void(uint64_t offset, const batch_ptr& batch)> visit) {
  scan_result at;
  constexpr uint64_t first_batch = segment_header::block_size;
  at.end = first_batch;
  at.tail = header.previous;
  while (at.end < content.size()) {
    const auto rest = content.substr(at.end);
    if (const auto m = decode_mark(header, at.end, rest)) {
      if (m->tail != at.tail) {
        at.damage = damaged(path, at.end, "a mark that was made behind other batches");
        return at;
      }
      at.end += mark::size;
      at.marked = true;
      continue;
    }
    auto next = batch_at(rest);
    if (absl::IsUnimplemented(next.status()))
      return absl::UnimplementedError(
          absl::StrCat(path, " at offset ", at.end, ": ", next.status().message()));
    if (!next.ok()) {
      const bool last_mark = !newest && rest.size() == mark::size && at.end > first_batch;
      if (last_mark || goes_on_behind_a_mark(content, header, at.end, at.tail)) {
        at.lost_marks.push_back({at.end, at.tail});
        at.end += mark::size;
        continue;
      }
      if (!newest || find_mark(header, content, at.end) ||
          (at.tail.last < durable && !all_zero(rest)))
        at.damage = damaged(path, at.end, std::string(next.status().message()));
      else
        at.torn = !all_zero(rest);
      break;
    }
    // An intact batch in the wrong place is no torn write.
    const batch_ptr found[] = {*next};
    if (auto follows = check_follows(at.tail, found); !follows.ok()) {
      at.damage = damaged(path, at.end, std::string(follows.message()));
      return at;
    }
    visit(at.end, *next);
    at.end += (*next)->bytes().size();
    at.tail = (*next)->tail();
    at.marked = false;
  }
  if (newest && at.damage.ok() && at.tail.last < durable)
    at.damage = damaged(
        path, at.end,
        absl::StrCat("the log was durable up to entry ", durable.index.value, " and ends here"));
  return at;
}

log_tail last_readable(std::string_view content, const segment_header& segment, uint64_t from) {
  log_tail last;
  for (uint64_t at = from; at < content.size();) {
    // What claims to reach beyond the next mark is no batch; so nothing is read many times.
    const auto m = find_mark(segment, content, at);
    const auto until = content.substr(0, m ? m->offset : content.size());
    while (const auto next = batch_at(until.substr(at)).value_or(nullptr)) {
      last = next->tail();
      at += next->bytes().size();
    }
    if (!m) break;
    last = m->tail;
    at = m->offset + mark::size;
  }
  return last;
}

void visit_readable(std::string_view content, const segment_header& segment, uint64_t from,
                    absl::FunctionRef<void(uint64_t, const batch_ptr&)> visit) {
  uint64_t budget = 16 * content.size();
  for (uint64_t at = from; at < content.size();) {
    const auto rest = content.substr(at);
    if (const auto next = batch_at(rest).value_or(nullptr)) {
      visit(at, next);
      at += next->bytes().size();
      continue;
    }
    const auto m = find_mark(segment, content, at);
    const bool here = m && m->offset == at;
    at += here ? mark::size : next_batch(rest.substr(0, m ? m->offset - at : rest.size()), budget);
  }
}

}  // namespace troupe::storage
