// One node's storage under a script of random calls, with a crash_oracle that knows what it may
// hold. For tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/crash_oracle.h"
#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/test_batches.h"

namespace troupe::storage {

class numbers {
 public:
  explicit numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t below(uint64_t n) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return (state_ >> 33) % n;
  }

 private:
  uint64_t state_;
};

// One node's storage under a script of random calls. Stops at the first error.
class scripted {
 public:
  scripted(memory_env& files, crash_oracle& oracle, uint64_t script)
      : files_(files), oracle_(oracle), random_(script) {}

  absl::Status open() {
    storage_.reset();
    durable_options options;
    options.dir = "data";
    options.node = node_id(1);
    options.incarnation = 4711;
    options.log = {{KiB(8), byte_count(1500)}, KiB(2)};
    auto opened = durable_storage::open(files_, options);
    if (opened.ok()) storage_ = *std::move(opened);
    return opened.status();
  }

  absl::Status run(int steps) {
    for (int i = 0; i < steps; ++i)
      if (auto s = step(); !s.ok()) return s;
    return absl::OkStatus();
  }

  std::string judge() { return oracle_.judge(*storage_); }

 private:
  absl::Status step() {
    const uint64_t dice = random_.below(100);
    if (dice < 45) return append();
    if (dice < 65) return durable(storage_->sync());
    if (dice < 78) return truncate();
    if (dice < 86) return purge();
    if (dice < 96) return save_vote();
    if (dice < 98) return reset();
    // A clean stop and start. Without a sync first: what is not durable is still in the files.
    return open();
  }

  absl::Status append() {
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

  absl::Status truncate() {
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
    return durable(storage_->truncate_after(last));
  }

  absl::Status purge() {
    const uint64_t start = storage_->purged().last.index.value;
    const uint64_t length = storage_->tail().last.index.value - start;
    const log_index last(start + random_.below(length + 2));
    oracle_.will_purge(last);
    return storage_->purge(last);
  }

  absl::Status save_vote() {
    const vote v{leader_of(++term_, 1 + random_.below(3)), random_.below(2) == 0};
    oracle_.will_save_vote(v);
    auto saved = durable(storage_->save_vote(v));
    if (saved.ok()) oracle_.vote_is_durable();
    return saved;
  }

  absl::Status reset() {
    const auto end = oracle_.now().tail().last.index;
    const log_tail to{{leader_of(++term_), end + random_.below(50)}, 1 + random_.below(1u << 31)};
    oracle_.will_reset(to);
    return durable(storage_->reset(to));
  }

  absl::Status durable(absl::Status returned) {
    if (returned.ok()) oracle_.log_is_durable();
    return returned;
  }

  memory_env& files_;
  crash_oracle& oracle_;
  numbers random_;
  uint64_t term_ = 1;
  std::unique_ptr<durable_storage> storage_;
};

}  // namespace troupe::storage
