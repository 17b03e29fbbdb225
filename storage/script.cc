#include "storage/script.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/test_batches.h"

namespace troupe::storage {

script::script(opener open, crash_oracle& oracle, uint64_t number, truncation truncations)
    : open_(std::move(open)), oracle_(oracle), random_(number), truncations_(truncations) {}

script::script(const script& from, opener open, crash_oracle& oracle)
    : open_(std::move(open)),
      oracle_(oracle),
      random_(from.random_),
      truncations_(from.truncations_),
      term_(from.term_),
      writes_(from.writes_),
      doing_(from.doing_) {}

absl::Status script::open() {
  doing_ = "open";
  close();
  auto opened = open_();
  if (opened.ok()) storage_ = *std::move(opened);
  return opened.status();
}

absl::Status script::run(int steps) {
  for (int i = 0; i < steps; ++i)
    if (auto s = step(); !s.ok()) return s;
  return absl::OkStatus();
}

absl::Status script::run_until_written(int writes) {
  while (writes_ < writes)
    if (auto s = step(); !s.ok()) return s;
  return absl::OkStatus();
}

absl::Status script::step() {
  const uint64_t dice = random_.below(100);
  if (dice < 42) return append();
  if (dice < 60) return sync();
  if (dice < 72) return truncate();
  if (dice < 80) return purge();
  if (dice < 90) return save_vote();
  if (dice < 96) return read();
  if (dice < 98) return reset();
  // A clean stop and start. Without a sync first: what is not durable is still in the files.
  return open();
}

absl::Status script::append() {
  doing_ = "append";
  ++writes_;
  std::vector<batch_ptr> batches;
  log_tail at = oracle_.now().tail();
  for (uint64_t n = 1 + random_.below(4); n > 0; --n) {
    const auto entries = static_cast<uint32_t>(1 + random_.below(3));
    batches.push_back(batch_after(at, leader_of(term_), entries, 10 + random_.below(700)));
    at = batches.back()->tail();
  }
  oracle_.will_append(batches);
  return storage_->append(batches);
}

absl::Status script::sync() {
  doing_ = "sync";
  return durable(storage_->sync());
}

absl::Status script::truncate() {
  doing_ = "truncate";
  const auto& log = oracle_.now();
  // Not below what is purged here and now.
  size_t first = 0;
  while (first < log.ends.size() && log.ends[first].last.index <= storage_->purged().last.index)
    ++first;
  const size_t cuttable = log.ends.size() - first;
  const size_t most = random_.below(3) == 0 ? cuttable : std::min<size_t>(cuttable, 5);
  const size_t keep = log.ends.size() - random_.below(most + 1);
  const auto last = keep == 0 ? log.base.last.index : log.ends[keep - 1].last.index;
  if (keep == log.ends.size()) return storage_->truncate_after(last);
  ++term_;
  oracle_.will_truncate_after(last);
  auto cut = storage_->truncate_after(last);
  return truncations_ == truncation::durable_at_once ? durable(cut) : cut;
}

absl::Status script::purge() {
  doing_ = "purge";
  const uint64_t start = storage_->purged().last.index.value;
  const uint64_t length = storage_->tail().last.index.value - start;
  const log_index last(start + random_.below(length + 2));
  oracle_.will_purge(last);
  return storage_->purge(last);
}

absl::Status script::save_vote() {
  doing_ = "save_vote";
  ++writes_;
  const vote v{leader_of(++term_, 1 + random_.below(3)), random_.below(2) == 0};
  oracle_.will_save_vote(v);
  auto saved = durable(storage_->save_vote(v));
  if (saved.ok()) oracle_.vote_is_durable();
  return saved;
}

absl::Status script::reset() {
  doing_ = "reset";
  const auto end = oracle_.now().tail().last.index;
  const log_tail to{{leader_of(++term_), end + random_.below(50)}, 1 + random_.below(1u << 31)};
  oracle_.will_reset(to);
  return durable(storage_->reset(to));
}

// Some batches from anywhere; they are those that were written.
absl::Status script::read() {
  doing_ = "read";
  const uint64_t start = storage_->purged().last.index.value;
  const uint64_t length = storage_->tail().last.index.value - start;
  if (length == 0) return absl::OkStatus();
  const auto found =
      storage_->read(log_index(start + 1 + random_.below(length)), byte_count(random_.below(6000)));
  if (!found.ok()) return found.status();
  const auto& ends = oracle_.now().ends;
  const auto at = std::ranges::find(ends, found->front()->tail());
  for (size_t i = 0; i < found->size(); ++i)
    if (static_cast<size_t>(ends.end() - at) <= i || at[i] != (*found)[i]->tail())
      return absl::InternalError("what was read is not what was written");
  return absl::OkStatus();
}

absl::Status script::durable(absl::Status returned) {
  if (returned.ok()) oracle_.log_is_durable();
  return returned;
}

}  // namespace troupe::storage
