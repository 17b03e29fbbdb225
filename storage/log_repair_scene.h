// A log of eight batches in three segments, to be damaged, and what tests of its repair ask of it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"

namespace troupe::storage {

inline constexpr uint64_t start = segment_header::block_size;
inline constexpr uint64_t batch_size = batch::header_size + 2 * (4 + 500);
inline constexpr uint64_t step = batch_size + mark::size;

class log_repair_scene : public testing::Test {
 protected:
  // Eight batches of about 1 KiB under changing leaders, three to a segment, a sync after each.
  log_repair_scene() {
    open();
    EXPECT_TRUE(storage_->save_vote({leader_of(9), true}).ok());
    for (uint64_t i = 0; i < 8; ++i) {
      written_.push_back(batch_after(storage_->tail(), leader_of(1 + i / 2), 2, 500));
      add(written_.back());
    }
    whole_ = storage_->tail();
  }

  static absl::StatusOr<std::unique_ptr<durable_storage>> open_on(memory_env& files,
                                                                  bool cut_damage = true) {
    durable_options options;
    options.dir = "data";
    options.node = node_id(1);
    options.incarnation = 99;
    options.log = {{KiB(8), KiB(1)}, KiB(1)};
    options.cut_damage = cut_damage;
    return durable_storage::open(files, options);
  }
  absl::Status try_open(bool cut_damage = true) {
    storage_.reset();
    auto opened = open_on(files_, cut_damage);
    if (opened.ok()) storage_ = *std::move(opened);
    return opened.status();
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  void add(const batch_ptr& b) {
    ASSERT_TRUE(storage_->append({{b}}).ok());
    ASSERT_TRUE(storage_->sync().ok());
  }
  // Opens the log and fills it again from batch `left` on, with the power cut at that call to the
  // file system. False when there were fewer calls.
  bool repair_with_power_cut_at(uint64_t call, size_t left) {
    files_.power_off_at(call);
    auto stopped = try_open();
    for (size_t i = left; stopped.ok() && i < written_.size(); ++i) {
      stopped = storage_->append({{written_[i]}});
      if (stopped.ok()) stopped = storage_->sync();
    }
    const bool was_cut = files_.power_is_off();
    storage_.reset();
    files_.crash(call);
    return was_cut;
  }
  static std::string path_of(uint64_t segment) { return "data/log/" + segment_name(segment); }
  void flip(const std::string& path, uint64_t offset) {
    flip_bit(files_, path, offset, 4);
    ASSERT_TRUE((*files_.open(path, open_mode::existing))->sync().ok());
  }
  size_t set_aside() {
    const auto names = files_.list("data/log");
    EXPECT_TRUE(names.ok()) << names.status();
    return static_cast<size_t>(std::ranges::count_if(
        names.value(), [](const auto& name) { return name.ends_with(".lost"); }));
  }
  // The log holds the first `count` batches, and the node knows how many it acknowledged.
  void expect_cut_to(size_t count) {
    EXPECT_EQ(storage_->tail(), count == 0 ? log_tail() : written_[count - 1]->tail());
    ASSERT_TRUE(storage_->lost().has_value());
    EXPECT_EQ(storage_->lost()->last, whole_.last);
    EXPECT_EQ(storage_->saved_vote(), (vote{leader_of(9), true}));
    if (count == 0) return;
    const auto all = storage_->read(log_index(1), MiB(1));
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), count);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ((*all)[i]->bytes(), written_[i]->bytes());
  }
  // The others send what is missing.
  void fill() {
    for (const auto& b : written_)
      if (b->first_index() > storage_->tail().last.index) add(b);
    EXPECT_EQ(storage_->tail(), whole_);
  }

  memory_env files_;
  std::unique_ptr<durable_storage> storage_;
  std::vector<batch_ptr> written_;
  log_tail whole_;
};

}  // namespace troupe::storage
