#include "actors/core/log_view.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proto/check.h"

namespace troupe::core {
namespace {

constexpr const char* written_by_nobody = "only the first membership was written by nobody";

}  // namespace

log_view::log_view(log_id purged, std::vector<leader_run> runs, log_index last)
    : purged_(purged), runs_(std::move(runs)), last_(last) {
  TROUPE_CHECK(last_ >= purged_.index, "a log does not end before its purged part");
  TROUPE_CHECK(runs_.empty() == (last_ == purged_.index), "runs cover all entries");
  if (runs_.empty()) return;
  TROUPE_CHECK(runs_.front().first == purged_.index.next(), "no gap after the purged part");
  TROUPE_CHECK(runs_.back().first <= last_, "no run starts after the last entry");
  TROUPE_CHECK(purged_.leader <= runs_.front().leader, "leader ids never fall along a log");
  const log_index first_end = runs_.size() > 1 ? runs_[1].first - 1 : last_;
  TROUPE_CHECK(runs_.front().leader || first_end == log_index(1), written_by_nobody);
  auto out_of_order = [](const leader_run& a, const leader_run& b) {
    return a.first >= b.first || a.leader >= b.leader;
  };
  TROUPE_CHECK(std::ranges::adjacent_find(runs_, out_of_order) == runs_.end(),
               "each run starts later and has a greater leader than the one before");
}

std::vector<leader_run>::const_iterator log_view::run_after(log_index index) const {
  return std::ranges::upper_bound(runs_, index, {}, &leader_run::first);
}

log_id log_view::last() const {
  return runs_.empty() ? purged_ : log_id{runs_.back().leader, last_};
}

std::optional<leader_id> log_view::leader_at(log_index index) const {
  if (index == purged_.index) return purged_.leader;
  if (index < purged_.index || index > last_) return std::nullopt;
  return std::prev(run_after(index))->leader;
}

bool log_view::contains(const log_id& id) const { return leader_at(id.index) == id.leader; }

log_id log_view::floor(const log_id& limit) const {
  // Leaders rise along the log, so those that are too great are a suffix of it.
  const auto too_great = std::ranges::upper_bound(runs_, limit.leader, {}, &leader_run::leader);
  const log_index end = too_great == runs_.end() ? last_ : too_great->first - 1;
  const log_index index = std::min(limit.index, end);
  if (index <= purged_.index) return purged_;
  return {std::prev(run_after(index))->leader, index};
}

void log_view::append(leader_id leader, log_index last) {
  TROUPE_CHECK(last > last_, "an append adds at least one entry");
  TROUPE_CHECK(leader || last == log_index(1), written_by_nobody);
  TROUPE_CHECK(leader >= this->last().leader, "leader ids never fall along a log");
  if (runs_.empty() || runs_.back().leader != leader) runs_.push_back({last_.next(), leader});
  last_ = last;
}

void log_view::truncate_after(log_index last) {
  TROUPE_CHECK(last >= purged_.index, "what was purged was committed, so it is never truncated");
  if (last >= last_) return;
  runs_.erase(run_after(last), runs_.end());
  last_ = last;
}

void log_view::purge(const log_id& upto) {
  if (upto.index <= purged_.index) return;
  TROUPE_CHECK(upto.index > last_ || contains(upto), "only entries of this log are purged");
  if (upto.index >= last_) {
    runs_.clear();
    last_ = upto.index;
  } else {
    runs_.erase(runs_.begin(), std::prev(run_after(upto.index.next())));
    runs_.front().first = upto.index.next();
  }
  purged_ = upto;
}

}  // namespace troupe::core
