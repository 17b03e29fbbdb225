#include "storage/leader_runs.h"

#include <algorithm>

#include "proto/check.h"

namespace troupe::storage {

void leader_runs::add(log_index first, leader_id leader) {
  if (!runs_.empty() && runs_.back().leader == leader) return;
  TROUPE_CHECK(runs_.empty() || runs_.back().first < first, "runs are added in order");
  runs_.push_back({first, leader});
}

void leader_runs::truncate_after(log_index last) {
  while (!runs_.empty() && runs_.back().first > last) runs_.pop_back();
}

void leader_runs::purge(log_index last) {
  while (runs_.size() > 1 && runs_[1].first <= last.next()) runs_.pop_front();
  if (!runs_.empty()) runs_.front().first = std::max(runs_.front().first, last.next());
}

leader_id leader_runs::leader_at(log_index index) const {
  const auto after = std::partition_point(
      runs_.begin(), runs_.end(), [&](const leader_run& run) { return run.first <= index; });
  TROUPE_CHECK(after != runs_.begin(), "the index is in the log");
  return std::prev(after)->leader;
}

}  // namespace troupe::storage
