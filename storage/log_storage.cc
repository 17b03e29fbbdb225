#include "storage/log_storage.h"

#include <algorithm>
#include <iterator>

#include "storage/try.h"

namespace troupe::storage {
std::vector<batch_ptr> newest_of(std::vector<batch_ptr> batches, log_index after, byte_count most) {
  auto first = batches.end();
  for (uint64_t taken = 0; first != batches.begin(); --first) {
    const auto& b = *std::prev(first);
    taken += b->bytes().size();
    const bool fits = first == batches.end() || taken <= most.value;
    if (b->last_index() <= after || !fits) break;
  }
  batches.erase(batches.begin(), first);
  return batches;
}

namespace {

// Of the batches from the one that holds `from` to the one that ends at `end`.
absl::StatusOr<std::vector<batch_ptr>> newest_between(log_storage& log, log_index from,
                                                      log_index end, byte_count most) {
  std::vector<batch_ptr> found;
  while (found.empty() || found.back()->last_index() < end) {
    TROUPE_TRY_LET(const auto more, log.read(from, most));
    for (const auto& b : more)
      if (b->last_index() <= end) found.push_back(b);
    found = newest_of(std::move(found), {}, most);
    from = found.back()->last_index().next();
  }
  return found;
}

}  // namespace

// A log is not read backwards: it is read from places ever further before the end, until that is
// enough.
absl::StatusOr<std::vector<batch_ptr>> log_storage::find(const missing_batches& wanted,
                                                         byte_count most) {
  const auto before = std::max(wanted.after, purged().last.index);
  const auto end = wanted.end.last.index;
  if (end <= before || end > tail().last.index) return std::vector<batch_ptr>();
  TROUPE_TRY_LET(const auto last, read(end, byte_count(1)));
  if (!wanted.end.names(last.front()->tail())) return std::vector<batch_ptr>();
  const auto& b = *last.front();
  if (b.bytes().size() >= most.value) return std::vector{last.front()};
  for (uint64_t back = 1 + most.value * b.count() / b.bytes().size();; back *= 8) {
    const auto from = (end - std::min(back, end.value - before.value)).next();
    TROUPE_TRY_LET(auto found, newest_between(*this, from, end, most));
    if (found.front()->first_index() > from || from == before.next()) return found;
  }
}

}  // namespace troupe::storage
