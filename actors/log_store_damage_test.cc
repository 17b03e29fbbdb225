// What the log_store actor does about damage, and how it looks for some.
#include "actors/log_store_fixture.h"

namespace troupe {
namespace {

using log_store_damage_test = log_store_fixture;

TEST_F(log_store_damage_test, who_lost_the_first_entry_is_in_its_cluster_all_the_same) {
  disk_->lost_entries = {{leader_of(3), log_index(9)}, "somewhere", 4711};
  EXPECT_EQ(state().cluster, 4711u);
  const auto first = first_batch(members_of({1, 2, 3}));
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first}}).reply);
  EXPECT_EQ(state().cluster, first->checksum());
}

TEST_F(log_store_damage_test, what_is_put_back_is_told_with_the_memberships_in_it) {
  const auto members = members_of({1, 2, 3});
  disk_->restorable = {first_batch(members)};
  disk_->restorable.push_back(batch_after(disk_->restorable[0]->tail(), leader_of(1)));
  const auto end = disk_->restorable.back()->tail();
  disk_->missing = {log_index(2), {{{}, log_index(7)}, 8}};
  const auto told = ask<restored>(restore_log{{}}).reply.value();
  EXPECT_EQ(told.missing, disk_->missing);
  EXPECT_EQ(told.log.tail, end);
  ASSERT_EQ(told.log.memberships.size(), 1u);
  EXPECT_EQ(told.log.memberships[0].second, members);
  EXPECT_EQ(board_->get().last, end.last);
}

TEST_F(log_store_damage_test, what_others_miss_is_found_and_what_they_found_is_kept) {
  const auto all = batches_after({}, leader_of(1), 3);
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, all}).reply);
  const auto found = ask<log_slice>(find_batches{{log_index(1), {all[2]->last()}}, KiB(1)});
  ASSERT_EQ(found.reply->batches.size(), 2u);
  EXPECT_EQ(found.reply->batches[0]->bytes(), all[1]->bytes());
  ASSERT_TRUE(ask<restored>(restore_log{{all[1]}}).reply);
  EXPECT_EQ(disk_->kept, std::vector{all[1]});
}

TEST_F(log_store_damage_test, a_disk_that_fails_while_it_restores_ends_the_node) {
  disk_->restoring = absl::UnavailableError("input/output error");
  EXPECT_EQ(ask<restored>(restore_log{{}}).error, raft_errc::storage_failed);
  EXPECT_EQ(board_->get().failure, raft_errc::storage_failed);
}

// -- looking after what is there ------------------------------------------------------------------

TEST_F(log_store_damage_test, the_disk_is_checked_at_the_rate_that_was_asked_for) {
  using namespace std::chrono_literals;
  const auto until = scheduler().clock().now() + 100s;
  while (scheduler().clock().now() < until && scheduler().trigger_timeout()) scheduler().run();
  EXPECT_GE(disk_->scrubbed, KiB(64 * 90).value);
  EXPECT_LE(disk_->scrubbed, KiB(64 * 110).value);
}

TEST_F(log_store_damage_test, damage_that_is_found_ends_the_node_and_is_told) {
  disk_->found_by_scrub = absl::DataLossError("data/log/1 at offset 4096: it is damaged");
  ASSERT_TRUE(scheduler().trigger_timeout());
  scheduler().run();
  EXPECT_EQ(board_->get().failure, raft_errc::storage_failed);
  EXPECT_NE(board_->get().failure_text.find("data/log/1 at offset 4096"), std::string::npos);
}

}  // namespace
}  // namespace troupe
