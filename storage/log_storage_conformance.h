// What every log_storage must do, as tests. To hold an implementation to it, include this file in a
// test and instantiate the suite with a function that makes a host for it:
//
//   INSTANTIATE_TEST_SUITE_P(mine, log_storage_conformance, testing::Values(make_my_host));
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "storage/log_storage.h"
#include "storage/test_batches.h"

namespace troupe::storage {

// Keeps a storage and what it lives on.
class storage_host {
 public:
  virtual ~storage_host() = default;
  virtual log_storage& storage() = 0;
  // Closes the storage and opens it again, after a sync. A storage that keeps nothing does nothing.
  virtual void reopen() = 0;
};

class log_storage_conformance
    : public testing::TestWithParam<std::function<std::unique_ptr<storage_host>()>> {
 protected:
  log_storage_conformance() : host_(GetParam()()) {}

  log_storage& log() { return host_->storage(); }

  void append(const std::vector<batch_ptr>& batches) {
    ASSERT_TRUE(log().append(batches).ok());
    for (const auto& b : batches) model_.push_back(b);
  }
  // Appends `number` batches of `count` entries.
  void grow(size_t number, leader_id leader, uint32_t count = 1) {
    append(batches_after(log().tail(), leader, number, count));
  }
  // The log holds exactly the batches [from, to) of all that were appended.
  void expect_batches(size_t from, size_t to) {
    ASSERT_LT(from, to);
    EXPECT_EQ(log().tail(), model_[to - 1]->tail());
    for (size_t i = from; i < to; ++i) {
      for (auto index = model_[i]->first_index(); index <= model_[i]->last_index(); index += 1) {
        auto found = log().read(index, byte_count(1));
        ASSERT_TRUE(found.ok()) << found.status();
        ASSERT_EQ(found->size(), 1u);
        EXPECT_EQ(found->front()->bytes(), model_[i]->bytes());
      }
    }
    auto all = log().read(model_[from]->first_index(), MiB(64));
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), to - from);
    for (size_t i = from; i < to; ++i) EXPECT_EQ((*all)[i - from]->bytes(), model_[i]->bytes());
  }
  void reopen() {
    ASSERT_TRUE(log().sync().ok());
    host_->reopen();
  }

  std::unique_ptr<storage_host> host_;
  std::vector<batch_ptr> model_;
};

TEST_P(log_storage_conformance, a_new_storage_holds_nothing) {
  EXPECT_EQ(log().saved_vote(), vote());
  EXPECT_EQ(log().tail(), log_tail());
  EXPECT_EQ(log().purged(), log_tail());
  EXPECT_TRUE(log().runs().empty());
  EXPECT_TRUE(absl::IsOutOfRange(log().read(log_index(1), KiB(1)).status()));
}

TEST_P(log_storage_conformance, the_last_saved_vote_is_kept) {
  for (uint64_t in = 1; in <= 5; ++in) {
    const vote v{leader_of(in, 3), in % 2 == 0};
    ASSERT_TRUE(log().save_vote(v).ok());
    EXPECT_EQ(log().saved_vote(), v);
    reopen();
    EXPECT_EQ(log().saved_vote(), v);
  }
}

TEST_P(log_storage_conformance, who_votes_before_there_is_an_entry_has_joined_the_log_of_another) {
  EXPECT_FALSE(log().joined());
  ASSERT_TRUE(log().save_vote({leader_of(1, 3), true}).ok());
  EXPECT_TRUE(log().joined());
  grow(2, leader_of(1));
  ASSERT_TRUE(log().save_vote({leader_of(2, 3), true}).ok());
  reopen();
  EXPECT_TRUE(log().joined());
}

TEST_P(log_storage_conformance, who_writes_the_first_entry_and_votes_then_has_not_joined) {
  grow(1, leader_of(1));
  ASSERT_TRUE(log().save_vote({leader_of(1, 3), true}).ok());
  reopen();
  EXPECT_FALSE(log().joined());
}

TEST_P(log_storage_conformance, what_is_appended_is_read) {
  grow(3, leader_of(1));
  grow(40, leader_of(2), 5);
  append({batch_after(log().tail(), leader_of(2), 2, 5000)});
  grow(1, leader_of(3));
  expect_batches(0, 45);
  reopen();
  expect_batches(0, 45);
}

TEST_P(log_storage_conformance, appending_nothing_changes_nothing) {
  grow(1, leader_of(1));
  append({});
  expect_batches(0, 1);
}

TEST_P(log_storage_conformance, what_does_not_continue_the_log_is_refused) {
  grow(3, leader_of(1));
  const auto tail = log().tail();
  const auto gap =
      batch_after({{leader_of(1), tail.last.index.next()}, tail.checksum}, leader_of(1));
  const auto fork = batch_after({tail.last, tail.checksum + 1}, leader_of(1));
  const auto again = model_.back();
  const auto good = batch_after(tail, leader_of(1));
  for (const auto& wrong : {std::vector{gap}, {fork}, {again}, {good, gap}, {good, good}}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(log().append(wrong)));
    expect_batches(0, 3);
  }
  append({good});
  expect_batches(0, 4);
}

TEST_P(log_storage_conformance, a_read_takes_what_fits_but_at_least_one_batch) {
  append(batches_after(log().tail(), leader_of(1), 20, 1, 100));
  const uint64_t size = model_.front()->bytes().size();
  struct {
    uint64_t most;
    size_t batches;
  } const cases[] = {{0, 1},        {size, 1},         {2 * size - 1, 1},
                     {2 * size, 2}, {7 * size + 3, 7}, {1 << 20, 20}};
  for (const auto& c : cases) {
    const auto found = log().read(log_index(1), byte_count(c.most));
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->size(), c.batches) << c.most;
  }
}

TEST_P(log_storage_conformance, what_another_node_misses_is_found_by_its_end) {
  grow(12, leader_of(1), 3);
  const auto& last = *model_[9];
  const auto expect_found = [&](const missing_batches& wanted, byte_count most, size_t first) {
    const auto found = log().find(wanted, most);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->size(), 10 - first);
    for (size_t i = first; i < 10; ++i) EXPECT_EQ((*found)[i - first]->bytes(), model_[i]->bytes());
  };
  const batch_name by_id{last.last()}, by_checksum{{{}, last.last_index()}, last.checksum()};
  for (const auto& name : {by_id, by_checksum}) {
    expect_found({log_index(0), name}, MiB(1), 0);
    expect_found({model_[6]->last_index(), name}, MiB(1), 7);
    expect_found({log_index(0), name}, byte_count(2 * last.bytes().size()), 8);
    expect_found({log_index(0), name}, byte_count(1), 9);
  }
}

TEST_P(log_storage_conformance, what_is_not_in_the_log_is_not_found) {
  grow(3, leader_of(1), 3);
  const auto expect_nothing = [&](const missing_batches& wanted) {
    const auto found = log().find(wanted, MiB(1));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(found->empty());
  };
  const auto& b = *model_[1];
  expect_nothing({log_index(0), {{leader_of(2), b.last_index()}}});
  expect_nothing({log_index(0), {b.last(), b.checksum() + 1}});
  expect_nothing({log_index(0), {b.last(), model_[2]->checksum()}});
  expect_nothing({log_index(0), {{leader_of(1), log_index(5)}}});
  expect_nothing({log_index(0), {{leader_of(1), log_index(99)}, 7}});
  expect_nothing({log_index(0), {}});
  expect_nothing({b.last_index(), {b.last()}});
  expect_nothing({log_index(~0ull), {b.last()}});
  ASSERT_TRUE(log().purge(b.last_index()).ok());
  expect_nothing({log_index(0), {b.last()}});
}

TEST_P(log_storage_conformance, truncation_cuts_at_the_end_of_a_batch_only) {
  grow(6, leader_of(1), 3);
  for (const uint64_t wrong : {1, 2, 4, 17, 19, 100})
    EXPECT_TRUE(absl::IsInvalidArgument(log().truncate_after(log_index(wrong)))) << wrong;
  expect_batches(0, 6);
  ASSERT_TRUE(log().truncate_after(log_index(18)).ok());
  expect_batches(0, 6);
  ASSERT_TRUE(log().truncate_after(log_index(9)).ok());
  expect_batches(0, 3);
  reopen();
  expect_batches(0, 3);
}

TEST_P(log_storage_conformance, after_a_truncation_another_leader_goes_on) {
  grow(30, leader_of(1));
  for (uint64_t in = 2; in < 7; ++in) {
    const size_t keep = model_.size() - 2 * in;
    ASSERT_TRUE(log().truncate_after(model_[keep - 1]->last_index()).ok());
    model_.resize(keep);
    grow(in, leader_of(in));
    expect_batches(0, model_.size());
    if (in % 3 == 0) reopen();
  }
  expect_batches(0, model_.size());
}

TEST_P(log_storage_conformance, all_can_be_truncated) {
  grow(10, leader_of(1));
  ASSERT_TRUE(log().truncate_after(log_index(0)).ok());
  EXPECT_EQ(log().tail(), log_tail());
  EXPECT_TRUE(log().runs().empty());
  reopen();
  EXPECT_EQ(log().tail(), log_tail());
  model_.clear();
  grow(2, leader_of(2));
  expect_batches(0, 2);
}

TEST_P(log_storage_conformance, a_purge_rounds_down_to_the_end_of_a_batch) {
  grow(10, leader_of(1), 3);
  const struct {
    uint64_t to;
    uint64_t purged;
  } cases[] = {{1, 0}, {2, 0}, {3, 3}, {2, 3}, {8, 6}, {17, 15}, {28, 27}, {99, 30}};
  for (const auto& c : cases) {
    ASSERT_TRUE(log().purge(log_index(c.to)).ok());
    EXPECT_EQ(log().purged().last.index.value, c.purged) << c.to;
    if (c.purged == 30) break;
    expect_batches(c.purged / 3, 10);
    EXPECT_TRUE(absl::IsOutOfRange(log().read(log_index(c.purged), KiB(1)).status()));
    EXPECT_EQ(log().runs().front().first.value, c.purged + 1);
  }
  EXPECT_EQ(log().purged(), log().tail());
  EXPECT_TRUE(log().runs().empty());
  grow(1, leader_of(2));
  expect_batches(10, 11);
}

TEST_P(log_storage_conformance, a_purged_log_can_be_truncated_to_its_start) {
  grow(10, leader_of(1), 2);
  ASSERT_TRUE(log().purge(log_index(9)).ok());
  const auto start = log().purged();
  EXPECT_EQ(start, model_[3]->tail());
  EXPECT_TRUE(absl::IsInvalidArgument(log().truncate_after(log_index(6))));
  ASSERT_TRUE(log().truncate_after(log_index(8)).ok());
  EXPECT_EQ(log().tail(), start);
  model_.resize(4);
  grow(3, leader_of(2));
  expect_batches(4, 7);
}

TEST_P(log_storage_conformance, an_older_purge_may_be_in_force_after_reopening) {
  grow(40, leader_of(1), 2);
  ASSERT_TRUE(log().purge(log_index(50)).ok());
  const auto purged = log().purged();
  reopen();
  EXPECT_LE(log().purged().last.index, purged.last.index);
  expect_batches(25, 40);
}

TEST_P(log_storage_conformance, a_reset_log_starts_after_the_snapshot) {
  grow(20, leader_of(1));
  const log_tail snapshot{{leader_of(4, 2), log_index(1000)}, 0x1234};
  ASSERT_TRUE(log().reset(snapshot).ok());
  EXPECT_EQ(log().tail(), snapshot);
  EXPECT_EQ(log().purged(), snapshot);
  EXPECT_TRUE(log().runs().empty());
  reopen();
  EXPECT_EQ(log().tail(), snapshot);
  EXPECT_EQ(log().purged(), snapshot);
  model_.clear();
  grow(20, leader_of(5));
  reopen();
  expect_batches(0, 20);
  EXPECT_EQ(log().purged(), snapshot);
}

TEST_P(log_storage_conformance, runs_name_the_leader_of_each_entry) {
  grow(2, leader_of(1), 2);
  grow(3, leader_of(2, 5));
  grow(1, leader_of(2, 7));
  grow(1, leader_of(4));
  const std::vector<leader_run> all = {{log_index(1), leader_of(1)},
                                       {log_index(5), leader_of(2, 5)},
                                       {log_index(8), leader_of(2, 7)},
                                       {log_index(9), leader_of(4)}};
  EXPECT_EQ(log().runs(), all);
  reopen();
  EXPECT_EQ(log().runs(), all);
  ASSERT_TRUE(log().purge(log_index(5)).ok());
  const std::vector<leader_run> later = {{log_index(6), leader_of(2, 5)}, all[2], all[3]};
  EXPECT_EQ(log().runs(), later);
  ASSERT_TRUE(log().truncate_after(log_index(8)).ok());
  EXPECT_EQ(log().runs(), (std::vector{later[0], later[1]}));
}

}  // namespace troupe::storage
