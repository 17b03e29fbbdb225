// Snapshots over memory, for tests.
#pragma once

#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/snapshot_store.h"
#include "storage/test_batches.h"

namespace troupe::storage {

inline snapshot_meta meta_at(uint64_t index) {
  return {{{leader_of(3, 2), log_index(index)}, 4711}, {leader_of(2), log_index(5)}, "members", 99};
}

inline std::string random_bytes(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(count, 0);
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

inline absl::Status write_snapshot(snapshot_store& store, const snapshot_meta& meta,
                                   const std::string& state, size_t piece = 1000) {
  auto to = store.begin(meta);
  if (!to.ok()) return to.status();
  for (size_t at = 0; at < state.size(); at += piece)
    if (auto s = (*to)->add(state.substr(at, piece)); !s.ok()) return s;
  if (auto s = (*to)->finish(); !s.ok()) return s;
  return store.keep();
}

inline absl::StatusOr<std::string> read_snapshot(snapshot_reader& from) {
  std::string state;
  for (;;) {
    const auto block = from.next();
    if (!block.ok()) return block.status();
    if (block->empty()) return state;
    state += *block;
  }
}

// On a disk as `begin` leaves it: cuts the power at each call of `step` in turn. `check` looks at
// what is left then, and hears whether the step was done.
inline void cut_everywhere(const std::function<void(snapshot_store&)>& begin,
                           const std::function<absl::Status(snapshot_store&)>& step,
                           const std::function<void(memory_env&, bool done)>& check) {
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut; ++cut) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE("power cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      memory_env disk;
      auto store = *snapshot_store::open(disk, "snapshots");
      begin(*store);
      disk.power_off_at(cut);
      const auto stopped = step(*store);
      was_cut = disk.power_is_off();
      EXPECT_EQ(stopped.ok(), !was_cut);
      store.reset();
      disk.crash(seed);
      check(disk, stopped.ok());
    }
  }
}

class snapshot_test : public testing::Test {
 protected:
  snapshot_test() { open(); }

  absl::Status try_open() {
    store_.reset();
    auto opened = snapshot_store::open(files_, "snapshots");
    if (opened.ok()) store_ = *std::move(opened);
    return opened.status();
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  absl::StatusOr<std::string> state() {
    const auto from = store_->read();
    return from.ok() ? read_snapshot(**from) : from.status();
  }
  // But for the one that tells what the newest one's header does.
  size_t files() { return files_.list("snapshots").value().size() - 1; }
  void forget_beginning() { ASSERT_TRUE(files_.remove("snapshots/beginning").ok()); }

  memory_env files_;
  std::unique_ptr<snapshot_store> store_;
};

}  // namespace troupe::storage
