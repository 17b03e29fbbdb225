// Rules of the log_store actor, one message at a time.
#include "actors/log_store_fixture.h"

namespace troupe {
namespace {

using log_store_test = log_store_fixture;

// -- the fence ------------------------------------------------------------------------------------

TEST_F(log_store_test, an_append_under_another_vote_is_fenced_and_changes_nothing) {
  save(vote_1);
  ASSERT_TRUE(ask<flushed>(append{vote_1, {}, {batch_after(disk_->tail(), leader_of(1))}}).reply);
  save(vote_2);
  const auto before = disk_->tail();
  const auto writes = disk_->writes, syncs = disk_->syncs;
  const vote uncommitted{vote_2.leader, false}, greater{{term(3), node_id(1)}, true};
  for (const vote& other : {vote_1, uncommitted, greater, vote{}}) {
    const auto a = ask<flushed>(append{other, log_index(0), {batch_after(before, leader_of(1))}});
    EXPECT_EQ(a.error, raft_errc::fenced) << other;
  }
  EXPECT_EQ(disk_->tail(), before);
  EXPECT_EQ(disk_->writes, writes);
  EXPECT_EQ(disk_->syncs, syncs);
  EXPECT_TRUE(ask<flushed>(append{vote_2, {}, {batch_after(before, leader_of(2, 2))}}).reply);
}

TEST_F(log_store_test, a_vote_that_waits_before_an_append_fences_it) {
  save(vote_1);
  const auto voted = send<log_state>(save_vote{vote_2});
  const auto written = send<flushed>(append{vote_1, {}, {batch_after({}, leader_of(1))}});
  scheduler().run();
  EXPECT_TRUE(voted->reply);
  EXPECT_EQ(written->error, raft_errc::fenced);
  EXPECT_EQ(disk_->tail(), log_tail{});
}

TEST_F(log_store_test, save_vote_is_answered_with_the_logs_tail) {
  save(vote_1);
  const auto batches = batches_after({}, leader_of(1), 3);
  ASSERT_TRUE(ask<flushed>(append{vote_1, {}, batches}).reply);
  const auto a = ask<log_state>(save_vote{vote_2});
  ASSERT_TRUE(a.reply);
  EXPECT_EQ(a.reply->saved, vote_2);
  EXPECT_EQ(a.reply->tail, batches.back()->tail());
  ASSERT_EQ(a.reply->runs.size(), 1u);
  EXPECT_EQ(a.reply->runs[0].leader, leader_of(1));
}

// -- group commit ---------------------------------------------------------------------------------

TEST_F(log_store_test, appends_that_wait_share_one_sync_and_are_answered_after_it) {
  save(vote_1);
  const auto sent = send_three();
  while (scheduler().has_job()) {
    scheduler().run_once();
    for (const auto& s : sent) EXPECT_TRUE(!s->here() || disk_->synced.index == log_index(3));
  }
  EXPECT_EQ(disk_->syncs, 1);
  for (const auto& s : sent) {
    ASSERT_TRUE(s->reply);
    EXPECT_EQ(s->reply->last, disk_->tail().last);
  }
}

TEST_F(log_store_test, an_append_alone_is_synced_at_once) {
  save(vote_1);
  const auto sent = send<flushed>(append{vote_1, {}, {batch_after({}, leader_of(1))}});
  scheduler().run_once();
  EXPECT_EQ(disk_->syncs, 1);
  scheduler().run();
  EXPECT_TRUE(sent->reply);
}

TEST_F(log_store_test, appends_among_other_requests_are_all_answered) {
  save(vote_1);
  auto sent = send_three();
  const auto asked = send<log_state>(describe_log{});
  const auto voted = send<log_state>(save_vote{vote_2});
  const auto barrier = send<flushed>(append{vote_2, {}, {}});
  scheduler().run();
  for (const auto& s : sent) EXPECT_TRUE(s->reply);
  EXPECT_TRUE(asked->reply);
  EXPECT_TRUE(voted->reply);
  ASSERT_TRUE(barrier->reply);
  EXPECT_EQ(barrier->reply->last, disk_->synced);
}

// -- failure --------------------------------------------------------------------------------------

TEST_F(log_store_test, a_failed_sync_ends_the_actor_and_answers_everybody) {
  save(vote_1);
  const auto sent = send_three();
  disk_->fail_syncs = true;
  scheduler().run();
  for (const auto& s : sent) EXPECT_EQ(s->error, raft_errc::storage_failed);
  EXPECT_EQ(disk_->syncs, 1);
  disk_->fail_syncs = false;
  EXPECT_TRUE(ask<flushed>(append{vote_1, {}, {}}).error);
  EXPECT_EQ(disk_->syncs, 1) << "nothing is tried again";
}

TEST_F(log_store_test, a_failed_write_answers_those_before_and_behind_it) {
  save(vote_1);
  const auto written = send<flushed>(append{vote_1, {}, {batch_after({}, leader_of(1))}});
  const auto sent = send_three();
  scheduler().run_once();
  EXPECT_EQ(disk_->tail().last.index, log_index(1));
  disk_->fail_appends = true;
  scheduler().run();
  EXPECT_EQ(written->error, raft_errc::storage_failed);
  EXPECT_EQ(sent[0]->error, raft_errc::storage_failed);
  // CAF refuses what the mailbox still held.
  for (const auto& s : sent) EXPECT_TRUE(s->error);
  EXPECT_EQ(disk_->syncs, 0);
}

TEST_F(log_store_test, its_end_has_the_reason_storage_failed) {
  auto reason = std::make_shared<caf::error>();
  // An actor that nobody refers to would end.
  const auto watcher = system_.spawn([reason, store = store_](caf::event_based_actor* self) {
    self->set_down_handler([=](caf::down_msg& m) { *reason = m.reason, self->quit(); });
    self->monitor(store);
    self->become([](const tick&) {});
  });
  scheduler().run();
  disk_->fail_syncs = true;
  EXPECT_EQ(ask<flushed>(append{vote{}, {}, {}}).error, raft_errc::storage_failed);
  EXPECT_EQ(*reason, make_error(raft_errc::storage_failed));
  EXPECT_EQ(board_->get().failure, raft_errc::storage_failed);
}

// -- memberships ----------------------------------------------------------------------------------

TEST_F(log_store_test, memberships_follow_appends_and_truncation) {
  const auto one = members_of({1, 2, 3}), two = members_of({1, 2});
  save(vote_1);
  const auto first = first_batch(one);
  const auto between = batch_after(first->tail(), leader_of(1));
  const auto second = membership_after(between->tail(), two);
  ASSERT_TRUE(ask<flushed>(append{vote_1, {}, {first, between, second}}).reply);
  auto s = state();
  ASSERT_EQ(s.memberships.size(), 2u);
  EXPECT_EQ(s.memberships[0], std::pair(first->last(), one));
  EXPECT_EQ(s.memberships[1], std::pair(second->last(), two));
  EXPECT_EQ(s.cluster, first->checksum());

  board_->post([](metrics& m) { m.found = log_index(3); });
  ASSERT_TRUE(ask<flushed>(append{vote_1, log_index(2), {}}).reply);
  EXPECT_EQ(board_->get().found, log_index(2)) << "the rest was overwritten";
  EXPECT_EQ(board_->get().last.index, log_index(2));
  s = state();
  ASSERT_EQ(s.memberships.size(), 1u);
  EXPECT_EQ(s.memberships[0].second, one);
  EXPECT_EQ(s.cluster, first->checksum());

  ASSERT_TRUE(ask<flushed>(append{vote_1, log_index(0), {}}).reply);
  s = state();
  EXPECT_TRUE(s.memberships.empty());
  EXPECT_EQ(s.cluster, 0u);
}

TEST_F(log_store_test, memberships_are_found_again_at_a_start) {
  const auto members = members_of({1, 2, 3});
  const auto first = first_batch(members);
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first}}).reply);
  store_ = system_.spawn(log_store, disk_, log_beginning{}, board_, KiB(64));
  const auto s = state();
  ASSERT_EQ(s.memberships.size(), 1u);
  EXPECT_EQ(s.memberships[0].second, members);
  EXPECT_EQ(s.cluster, first->checksum());
}

// Who stood for election with members that are not those of now could win.
TEST_F(log_store_test, where_its_beginning_is_lost_the_members_of_an_older_snapshot_do_not_count) {
  const auto first = first_batch(members_of({1, 2, 3}));
  const auto second = membership_after(first->tail(), members_of({1, 4, 5}));
  const auto rest = batches_after(second->tail(), leader_of(1), 3);
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first, second, rest[0], rest[1], rest[2]}}).reply);
  ASSERT_TRUE(ask<log_state>(purge_log{rest[0]->last_index()}).reply);
  const auto meta_of = [&](const batch_ptr& end, const batch_ptr& members) {
    return storage::snapshot_meta{end->tail(), members->last(),
                                  std::string(*members->entries().begin()), first->checksum()};
  };
  log_beginning b{meta_of(first, first), std::nullopt, "the newest is gone"};
  store_ = system_.spawn(log_store, disk_, b, board_, KiB(64));
  EXPECT_TRUE(state().memberships.empty());
  b.damaged = meta_of(rest[0], second);
  store_ = system_.spawn(log_store, disk_, b, board_, KiB(64));
  const auto s = state();
  ASSERT_EQ(s.memberships.size(), 1u);
  EXPECT_EQ(s.memberships[0].second, members_of({1, 4, 5}));
  EXPECT_EQ(s.cluster, first->checksum());
}

// -- reads ----------------------------------------------------------------------------------------

TEST_F(log_store_test, a_read_beyond_the_log_is_invalid_and_harms_nobody) {
  EXPECT_EQ(ask<log_slice>(read_log{log_index(5), KiB(1)}).error, raft_errc::invalid);
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first_batch(members_of({1}))}}).reply);
  EXPECT_EQ(ask<log_slice>(read_log{log_index(1), KiB(1)}).reply->batches.size(), 1u);
}

}  // namespace
}  // namespace troupe
