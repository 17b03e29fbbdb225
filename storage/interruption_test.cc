// One operation, and its end at every call to the file system: the process is killed there, or the
// power fails and leaves one of 32 kinds of remains.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/replay.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

constexpr uint64_t kinds_of_remains = 32;

class interruption_test : public testing::Test {
 protected:
  interruption_test() { trace_nothing(); }

  static absl::StatusOr<std::unique_ptr<durable_storage>> open(memory_env& files) {
    durable_options options;
    options.dir = "data";
    options.node = node_id(1);
    options.incarnation = 99;
    options.log = {{KiB(8), KiB(1)}, KiB(1)};
    return durable_storage::open(files, options);
  }
  void start() {
    auto opened = open(files_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }
  // Batches of about 1 KiB, so three to a segment, each durable.
  void grow(size_t number) {
    for (const auto& b : batches_after(storage_->tail(), leader_of(1), number, 1, 1000)) {
      ASSERT_TRUE(storage_->append({{b}}).ok());
      ASSERT_TRUE(storage_->sync().ok());
      written_.push_back(b);
    }
  }
  uint64_t segments() {
    const auto names = *files_.list("data/log");
    return static_cast<uint64_t>(std::ranges::count_if(
        names, [](const auto& name) { return parse_segment_name(name).has_value(); }));
  }

  // Calls `judge` with what each end of `operation` leaves. How many calls there were.
  uint64_t interrupt(const std::function<void()>& operation,
                     const std::function<void(memory_env&)>& judge) {
    uint64_t calls = 0;
    const auto end_here = [&] {
      for (uint64_t remains = 0; remains <= kinds_of_remains && !HasFailure(); ++remains) {
        SCOPED_TRACE("before call " + std::to_string(calls + 1) + ", remains " +
                     std::to_string(remains));
        memory_env left(files_);
        if (remains != 0) left.crash(remains);
        judge(left);
      }
    };
    files_.set_fault([&](std::string_view, const std::string&) {
      end_here();
      ++calls;
      return absl::OkStatus();
    });
    operation();
    end_here();
    files_.set_fault(nullptr);
    return calls;
  }

  // The log in `files` is the first so many of the batches that were written.
  void expect_first(memory_env& files, uint64_t least, uint64_t most) {
    const auto opened = open(files);
    ASSERT_TRUE(opened.ok()) << opened.status();
    const uint64_t last = (*opened)->tail().last.index.value;
    EXPECT_GE(last, least);
    EXPECT_LE(last, most);
    EXPECT_FALSE((*opened)->purged().last.index);
    if (last == 0) return;
    const auto found = (*opened)->read(log_index(1), MiB(1));
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->size(), last);
    for (uint64_t i = 0; i < last; ++i) EXPECT_EQ((*found)[i]->bytes(), written_[i]->bytes());
  }

  memory_env files_;
  std::unique_ptr<durable_storage> storage_;
  std::vector<batch_ptr> written_;
};

// Scenario 68.
TEST_F(interruption_test, a_truncation_of_several_segments_leaves_no_hole) {
  start();
  grow(14);
  ASSERT_EQ(segments(), 5u);
  uint64_t done = 0;
  const auto calls = interrupt(
      [&] {
        ASSERT_TRUE(storage_->truncate_after(log_index(2)).ok());
        done = 14 - 2;
      },
      [&](memory_env& left) { expect_first(left, 2, 14 - done); });
  EXPECT_GE(calls, 4u * 2) << "each removal, and the sync before the next";
  EXPECT_EQ(segments(), 1u);
}

// Scenario 71.
TEST_F(interruption_test, a_first_start_is_repeated) {
  const auto calls =
      interrupt([&] { start(); }, [&](memory_env& left) { expect_first(left, 0, 0); });
  EXPECT_GT(calls, 10u);
}

// Scenarios 71 and 73.
TEST_F(interruption_test, a_new_segment_takes_nothing_with_it_that_was_acknowledged) {
  start();
  grow(3);
  ASSERT_EQ(segments(), 1u);
  written_ = batches_after({}, leader_of(1), 4, 1, 1000);
  uint64_t acknowledged = 3;
  const auto calls = interrupt(
      [&] {
        ASSERT_TRUE(storage_->append({{written_[3]}}).ok());
        ASSERT_TRUE(storage_->sync().ok());
        acknowledged = 4;
      },
      [&](memory_env& left) { expect_first(left, acknowledged, 4); });
  EXPECT_EQ(segments(), 2u);
  EXPECT_GT(calls, 8u);
}

// Scenario 71: the process or the power ends in each of ten starts in a row, each time at another
// call.
TEST_F(interruption_test, what_was_interrupted_ten_times_in_a_row_starts) {
  const auto expect_start = [](const memory_env& from, uint64_t least) {
    uint64_t interrupted = 0;
    for (uint64_t seed = 1; seed <= 100 && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      auto machine = std::make_unique<memory_env>(from);
      for (uint64_t again = 0; again < 10; ++again) {
        uint64_t calls = 1 + (seed * 5 + again * again * 3) % 16;
        std::unique_ptr<memory_env> left;
        machine->set_fault([&](std::string_view, const std::string&) {
          if (--calls == 0) left = std::make_unique<memory_env>(*machine);
          return absl::OkStatus();
        });
        ASSERT_TRUE(open(*machine).ok());
        if (left == nullptr) continue;  // it had begun before that
        ++interrupted;
        machine = std::move(left);
        if (again % 2 == 0) machine->crash(seed + again);
      }
      machine->set_fault(nullptr);
      const auto opened = open(*machine);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_GE((*opened)->tail().last.index, log_index(least));
    }
    EXPECT_GT(interrupted, 250u);
  };
  expect_start(files_, 0);
  start();
  grow(8);
  ASSERT_TRUE(storage_->append(batches_after(storage_->tail(), leader_of(1), 3, 1, 900)).ok());
  expect_start(files_, 8);
}

}  // namespace
}  // namespace troupe::storage
