// What rots while the storage is open is found by looking, and mended where memory has a copy.
#include <memory>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

constexpr uint64_t start = segment_header::block_size;
constexpr uint64_t batch_size = batch::header_size + 4 + 1000;
constexpr uint64_t step = batch_size + mark::size;

class scrub_test : public testing::Test {
 protected:
  // Eight batches of about 1 KiB, three to a segment, a sync after each; none of them in memory.
  scrub_test() {
    open();
    EXPECT_TRUE(storage_->save_vote({leader_of(1), true}).ok());
    grow(8);
  }
  void grow(int batches) {
    for (int i = 0; i < batches; ++i) {
      EXPECT_TRUE(storage_->append({{batch_after(storage_->tail(), leader_of(1), 1, 1000)}}).ok());
      EXPECT_TRUE(storage_->sync().ok());
    }
  }
  void open() {
    storage_.reset();
    durable_options options;
    options.dir = "data";
    options.node = node_id(1);
    options.incarnation = 99;
    options.log = {{segment_size_, KiB(1)}, byte_count(0)};
    auto opened = durable_storage::open(files_, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }
  static std::string path_of(uint64_t segment) { return "data/log/" + segment_name(segment); }
  void flip(const std::string& path, uint64_t offset) { flip_bit(files_, path, offset, 4); }
  // Once round, in pieces of `most` bytes; how many there were.
  absl::StatusOr<int> scrub_all(byte_count most = KiB(2)) {
    for (int pieces = 1; pieces < 100; ++pieces) {
      const auto all_seen = storage_->scrub(most);
      if (!all_seen.ok()) return all_seen.status();
      if (*all_seen) return pieces;
    }
    return absl::InternalError("it does not come to an end");
  }
  void expect_found(const std::string& path, uint64_t offset) {
    const auto found = scrub_all().status();
    EXPECT_TRUE(absl::IsDataLoss(found)) << found;
    const auto where = path + " at offset " + std::to_string(offset) + ": ";
    EXPECT_EQ(found.message().find(where), 0u) << found;
  }

  byte_count segment_size_ = KiB(8);
  memory_env files_;
  std::unique_ptr<durable_storage> storage_;
};

TEST_F(scrub_test, what_is_intact_is_seen_piece_by_piece_again_and_again) {
  for (int round = 0; round < 3; ++round) {
    const auto pieces = scrub_all();
    ASSERT_TRUE(pieces.ok()) << pieces.status();
    EXPECT_EQ(*pieces, 4) << "a segment each, and the end";
  }
  segment_size_ = MiB(1);
  open();
  grow(600);
  const auto small = scrub_all(KiB(64)), large = scrub_all(KiB(256));
  ASSERT_TRUE(small.ok() && large.ok()) << small.status() << large.status();
  EXPECT_GT(*small, 10);
  EXPECT_LE(*large, *small / 2);
}

TEST_F(scrub_test, a_damaged_batch_is_found_and_read_wherever_the_index_leads_to_it) {
  segment_size_ = MiB(1);
  open();
  grow(600);
  flip(path_of(3), start + 300 * step + 70);
  expect_found(path_of(3), start + 300 * step);
  for (const uint64_t index : {7, 150, 299, 400, 608}) {
    const auto found = storage_->read(log_index(index), byte_count(1));
    ASSERT_TRUE(found.ok()) << index << found.status();
    EXPECT_EQ(found->front()->first_index(), log_index(index));
  }
  EXPECT_TRUE(absl::IsDataLoss(storage_->read(log_index(307), byte_count(1)).status()));
}

TEST_F(scrub_test, what_was_cut_or_purged_meanwhile_is_not_looked_for) {
  ASSERT_TRUE(storage_->scrub(KiB(4)).ok());
  ASSERT_TRUE(storage_->purge(log_index(4)).ok());
  ASSERT_TRUE(storage_->scrub(KiB(4)).ok());
  ASSERT_TRUE(storage_->truncate_after(log_index(5)).ok());
  EXPECT_TRUE(scrub_all().ok());
  ASSERT_TRUE(storage_->purge(log_index(5)).ok());
  EXPECT_TRUE(scrub_all().ok());
}

TEST_F(scrub_test, a_damaged_batch_is_found_in_every_segment_and_is_final) {
  flip(path_of(2), start + step + 70);
  expect_found(path_of(2), start + step);
  EXPECT_TRUE(absl::IsDataLoss(storage_->sync()));
}

TEST_F(scrub_test, a_damaged_batch_of_the_newest_segment_is_found) {
  flip(path_of(3), start + 70);
  expect_found(path_of(3), start);
}

TEST_F(scrub_test, headers_marks_and_both_votes_are_written_anew) {
  flip(path_of(1), 41);
  flip(path_of(2), start + batch_size + 20);
  flip(path_of(3), start + 2 * step - 1);
  flip("data/vote", 45);
  flip("data/vote", 4096 + 45);
  ASSERT_TRUE(scrub_all().ok());
  files_.crash(1);
  open();
  EXPECT_EQ(storage_->tail().last.index, log_index(8));
  EXPECT_EQ(storage_->saved_vote(), (vote{leader_of(1), true}));
  EXPECT_EQ(storage_->repaired(), "");
}

TEST_F(scrub_test, a_damaged_identity_is_found) {
  flip("data/identity", 20);
  EXPECT_TRUE(absl::IsDataLoss(scrub_all().status()));
}

}  // namespace
}  // namespace troupe::storage
