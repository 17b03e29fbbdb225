// How much memory the places of batches take, and that each is found again.
#include "storage/sparse_index.h"

#include <gtest/gtest.h>

#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

TEST(sparse_index_test, small_batches_take_no_more_memory_than_large_ones) {
  for (const size_t bytes : {10, 1000, 100'000}) {
    sparse_index index;
    uint64_t end = 4096;
    log_tail tail;
    while (end < MiB(1).value) {
      const auto b = batch_after(tail, leader_of(1), 1, bytes);
      index.add(end, *b);
      end += b->bytes().size();
      tail = b->tail();
    }
    EXPECT_LE(index.size(), MiB(1).value / sparse_index::distance) << bytes;
    EXPECT_GE(index.size(), 10u) << bytes;
  }
}

TEST(sparse_index_test, a_place_is_at_or_before_the_batch_and_less_than_the_distance_away) {
  sparse_index index;
  std::vector<std::pair<uint64_t, batch_ptr>> all;
  uint64_t end = 4096;
  for (const auto& b : batches_after({}, leader_of(1), 500, 3, 400)) {
    index.add(end, *b);
    all.emplace_back(end, b);
    end += b->bytes().size();
  }
  for (const auto& [offset, b] : all)
    for (auto i = b->first_index(); i <= b->last_index(); i += 1) {
      const auto& place = index.at(index.before(i));
      EXPECT_LE(place.first, b->first_index());
      EXPECT_LE(place.offset, offset);
      EXPECT_LT(offset - place.offset, sparse_index::distance);
    }
  const auto last = all[200].second->last_index();
  index.truncate_after(last);
  EXPECT_LE(index.at(index.size() - 1).first, last);
  index.truncate_after(log_index(0));
  EXPECT_TRUE(index.empty());
}

}  // namespace
}  // namespace troupe::storage
