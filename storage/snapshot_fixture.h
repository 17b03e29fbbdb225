// Snapshots over memory, for tests.
#pragma once

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
