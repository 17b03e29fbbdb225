#include "storage/crash_oracle.h"

#include <algorithm>
#include <sstream>

namespace troupe::storage {
namespace {

// The states's part after `start`; nothing when the state has no such place.
std::vector<log_tail> after(const crash_oracle::state& s, const log_tail& start, bool* found) {
  *found = true;
  if (start == s.base) return s.ends;
  const auto at = std::find(s.ends.begin(), s.ends.end(), start);
  *found = at != s.ends.end();
  return *found ? std::vector<log_tail>(at + 1, s.ends.end()) : std::vector<log_tail>();
}

std::string describe(const char* what, const log_tail& tail) {
  std::ostringstream out;
  out << what << ' ' << tail.last << " checksum " << tail.checksum;
  return std::move(out).str();
}

}  // namespace

void crash_oracle::will_append(const std::vector<batch_ptr>& batches) {
  for (const auto& b : batches) {
    states_.push_back(now());
    states_.back().ends.push_back(b->tail());
  }
}

void crash_oracle::will_truncate_after(log_index last) {
  while (!now().ends.empty() && now().tail().last.index > last) {
    states_.push_back(now());
    states_.back().ends.pop_back();
  }
}

void crash_oracle::will_reset(const log_tail& to) { states_.push_back({to, {}}); }

void crash_oracle::will_purge(log_index last) { purge_ = std::max(purge_, last); }

std::string crash_oracle::judge(log_storage& storage) {
  if (std::find(votes_.begin(), votes_.end(), storage.saved_vote()) == votes_.end())
    return "the vote is neither the last one that was saved nor the one being saved";
  votes_ = {storage.saved_vote()};

  const auto start = storage.purged();
  std::vector<log_tail> held;
  for (auto at = start; at != storage.tail(); at = held.back()) {
    const auto found = storage.read(at.last.index.next(), MiB(1));
    if (!found.ok()) return std::string(found.status().message());
    for (const auto& b : *found) held.push_back(b->tail());
  }
  for (const auto& s : states_) {
    bool possible = false;
    const auto expected = after(s, start, &possible);
    if (!possible || expected != held) continue;
    if (start.last.index > std::max(purge_, s.base.last.index))
      return describe("more was purged than was asked for: up to", start);
    states_ = {state(s)};
    return "";
  }
  std::string problem = describe("the log is none that it can be: from", start);
  problem += describe(" to", storage.tail());
  problem += "; possible ends:";
  for (const auto& s : states_) problem += describe(" ", s.tail());
  return problem;
}

}  // namespace troupe::storage
