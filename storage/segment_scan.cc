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

// Of the batch or mark that `rest` begins with, if another batch follows it; else 0.
size_t length_of_damaged(std::string_view rest) {
  for (const size_t length : {batch::peek_length(rest), size_t{mark::size}})
    if (length != 0 && length < rest.size() && batch_at(rest.substr(length)).ok()) return length;
  return 0;
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
    absl::FunctionRef<void(uint64_t offset, const batch_ptr& batch)> visit) {
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
      if (!newest || find_mark(header, content, at.end))
        at.damage = damaged(path, at.end, std::string(next.status().message()));
      else
        at.torn = !all_zero(rest);
      return at;
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
  for (uint64_t at = from; at < content.size();) {
    const auto rest = content.substr(at);
    if (const auto next = batch_at(rest).value_or(nullptr)) {
      visit(at, next);
      at += next->bytes().size();
    } else if (const size_t length = length_of_damaged(rest)) {
      at += length;
    } else if (const auto m = find_mark(segment, content, at)) {
      at = m->offset + mark::size;
    } else {
      break;
    }
  }
}

}  // namespace troupe::storage
