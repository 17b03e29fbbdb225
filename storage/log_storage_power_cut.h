// What every log_storage must do when the power fails, as tests. To hold an implementation to it,
// include this file in a test and instantiate the suite with a function that makes a host for it,
// an empty storage on a disk whose power can be cut:
//
//   INSTANTIATE_TEST_SUITE_P(mine, log_storage_power_cut, testing::Values(make_my_host));
//
// A failure prints how to replay it: TROUPE_CUT=<script>:<cut>:<remains>.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "storage/log_storage.h"
#include "storage/script.h"

namespace troupe::storage {

// A disk that can lose its power, and how to open the storage on it.
class power_host {
 public:
  virtual ~power_host() = default;
  // Opens the storage, or opens it again; the one before was let go.
  virtual absl::StatusOr<std::shared_ptr<log_storage>> open() = 0;
  // Plans a power cut at the n-th call to the disk from now that writes; 1 is the next. It and all
  // after it fail. What a call is, is the host's affair. False when the host can not look into the
  // calls of the storage: then it can only cut the power now, for n = 1.
  virtual bool cut_power_at(uint64_t n) = 0;
  virtual bool power_is_off() const = 0;
  // The power comes back, after the storage was let go. What was not durable is lost, or survives
  // in part, as the number `remains` wills. Nothing is planned any more.
  virtual void restore_power(uint64_t remains) = 0;
};

class log_storage_power_cut
    : public testing::TestWithParam<std::function<std::unique_ptr<power_host>()>> {
 protected:
  static constexpr int script_length = 60;
  static constexpr uint64_t scripts = 2;
  static constexpr uint64_t remains_per_cut = 2;

  // One script on one disk.
  struct subject {
    subject(std::unique_ptr<power_host> h, uint64_t number)
        : host(std::move(h)), node([this] { return host->open(); }, oracle, number) {}

    // The power is cut now, or was before, and comes back.
    void lose_power(uint64_t remains) {
      host->cut_power_at(1);
      node.close();
      host->restore_power(remains);
    }

    std::unique_ptr<power_host> host;
    crash_oracle oracle;
    script node;
  };

  // Runs `one` for every cut of every script, or the one that is to be replayed. `one` returns
  // false where the script has no such cut.
  void run_all(const std::function<bool(uint64_t script, uint64_t cut, uint64_t remains)>& one) {
    if (const char* replay = std::getenv("TROUPE_CUT")) {
      uint64_t script = 0, cut = 0, remains = 0;
      ASSERT_EQ(std::sscanf(replay, "%lu:%lu:%lu", &script, &cut, &remains), 3);
      one(script, cut, remains);
      return;
    }
    uint64_t runs = 0;
    for (uint64_t script = 1; script <= scripts; ++script) {
      bool was_cut = true;
      for (uint64_t cut = 1; was_cut && !HasFailure(); ++cut)
        for (uint64_t i = 1; i <= remains_per_cut && was_cut && !HasFailure(); ++i, ++runs) {
          const uint64_t remains = i + 100 * cut;
          SCOPED_TRACE("replay with TROUPE_CUT=" + std::to_string(script) + ":" +
                       std::to_string(cut) + ":" + std::to_string(remains));
          was_cut = one(script, cut, remains);
        }
    }
    EXPECT_GT(runs, scripts * remains_per_cut * 50) << "each call is cut";
    RecordProperty("runs", static_cast<int>(runs));
  }

  // Opens without a manual step, holds what it may hold, goes on working; and so once more.
  static void expect_nothing_lost(subject& s, uint64_t remains) {
    for (int again = 0; again < 2; ++again) {
      const auto reopened = s.node.open();
      ASSERT_TRUE(reopened.ok()) << reopened;
      ASSERT_EQ(s.node.judge(), "");
      const auto more = s.node.run(6);
      ASSERT_TRUE(more.ok()) << more;
      s.lose_power(remains + 1000 + again);
    }
  }
};

TEST_P(log_storage_power_cut, after_every_call_nothing_durable_is_lost) {
  run_all([&](uint64_t script, uint64_t cut, uint64_t remains) {
    subject s(GetParam()(), script);
    auto so_far = s.node.open();
    if (so_far.ok()) so_far = s.node.run(static_cast<int>(cut - 1));
    EXPECT_TRUE(so_far.ok()) << so_far;
    s.lose_power(remains);
    expect_nothing_lost(s, remains);
    return cut <= script_length;
  });
}

TEST_P(log_storage_power_cut, within_every_call_nothing_durable_is_lost) {
  if (!GetParam()()->cut_power_at(2)) GTEST_SKIP() << "this host cuts the power between calls only";
  run_all([&](uint64_t script, uint64_t cut, uint64_t remains) {
    subject s(GetParam()(), script);
    s.host->cut_power_at(cut);
    auto stopped = s.node.open();
    if (stopped.ok()) stopped = s.node.run(script_length);
    const bool was_cut = s.host->power_is_off();
    if (!was_cut) {
      EXPECT_TRUE(stopped.ok()) << stopped;
    }
    s.lose_power(remains);
    // And once more, while it recovers.
    s.host->cut_power_at(1 + remains % 40);
    if (auto opened = s.node.open(); !opened.ok()) {
      EXPECT_TRUE(s.host->power_is_off()) << opened;
    }
    s.lose_power(remains + 500);
    expect_nothing_lost(s, remains);
    return was_cut;
  });
}

}  // namespace troupe::storage
