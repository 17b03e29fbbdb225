// Rules of the log_store actor, one message at a time under CAF's test scheduler.
#include "actors/log_store.h"

#include <gtest/gtest.h>

#include "actors/membership_codec.h"
#include "actors/node.h"
#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "caf/event_based_actor.hpp"
#include "caf/scheduler/test_coordinator.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "storage/memory_storage.h"
#include "storage/test_batches.h"

namespace troupe {
namespace {

using storage::batch_after;
using storage::batches_after;
using storage::leader_of;

constexpr vote vote_1{{term(1), node_id(1)}, true};
constexpr vote vote_2{{term(2), node_id(2)}, true};

// Memory that counts its writes and fails when told.
class fake_storage final : public storage::log_storage {
 public:
  bool fail_appends = false;
  bool fail_syncs = false;
  int writes = 0;  // appends and truncations
  int syncs = 0;
  log_id synced;
  uint64_t scrubbed = 0;  // bytes
  absl::Status found_by_scrub;
  std::optional<storage::lost_entries> lost_entries;

  uint64_t incarnation() const override { return 0; }
  vote saved_vote() const override { return memory_.saved_vote(); }
  bool joined() const override { return memory_.joined(); }
  std::optional<storage::lost_entries> lost() const override { return lost_entries; }
  log_tail tail() const override { return memory_.tail(); }
  log_tail purged() const override { return memory_.purged(); }
  std::vector<leader_run> runs() const override { return memory_.runs(); }

  absl::Status save_vote(const vote& v) override { return memory_.save_vote(v); }
  absl::Status append(std::span<const batch_ptr> batches) override {
    ++writes;
    return fail_appends ? absl::InternalError("disk full") : memory_.append(batches);
  }
  absl::Status sync() override {
    ++syncs;
    if (fail_syncs) return absl::InternalError("fsync failed");
    synced = tail().last;
    return absl::OkStatus();
  }
  absl::Status truncate_after(log_index last) override {
    ++writes;
    return memory_.truncate_after(last);
  }
  absl::Status purge(log_index last) override { return memory_.purge(last); }
  absl::Status reset(const log_tail& to) override { return memory_.reset(to); }
  absl::StatusOr<bool> scrub(byte_count most) override {
    scrubbed += most.value;
    if (!found_by_scrub.ok()) return found_by_scrub;
    return false;
  }
  bool has_room() const override { return true; }
  absl::Status make_room() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) override {
    return memory_.read(from, most);
  }

 private:
  storage::memory_storage memory_;
};

// Where an answer arrives.
template <class Reply>
struct answer_to {
  std::optional<Reply> reply;
  std::optional<raft_errc> error;
  bool here() const { return reply || error; }
};

template <class Reply>
using pending = std::shared_ptr<answer_to<Reply>>;

class log_store_test : public testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() {
      prepare(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  log_store_test() {
    system_.await_actors_before_shutdown(false);
    scheduler().run();
  }
  ~log_store_test() override {
    store_ = nullptr;
    do {
      scheduler().run();
      scheduler().clock().cancel_all();
    } while (scheduler().has_job());
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  // Puts the request into the store's mailbox, and handles nothing yet.
  template <class Reply, class Request>
  pending<Reply> send(Request m) {
    auto slot = std::make_shared<answer_to<Reply>>();
    auto asker = system_.spawn([slot, m, to = store_](caf::event_based_actor* self) {
      self->request(to, caf::infinite, m)
          .then([slot](const Reply& r) { slot->reply = r; },
                [slot](const caf::error& e) { slot->error = code_of(e, raft_errc::none); });
    });
    bring_to_front(asker);
    scheduler().run_once();
    return slot;
  }

  template <class Reply, class Request>
  answer_to<Reply> ask(Request m) {
    auto slot = send<Reply>(std::move(m));
    scheduler().run();
    return *slot;
  }

  log_state state() { return ask<log_state>(describe_log{}).reply.value(); }

  void save(const vote& v) { ASSERT_TRUE(ask<log_state>(save_vote{v}).reply); }

  // Three appends of one batch each that wait in the mailbox.
  std::vector<pending<flushed>> send_three() {
    std::vector<pending<flushed>> sent;
    for (const auto& b : batches_after(disk_->tail(), leader_of(1), 3))
      sent.push_back(send<flushed>(append{vote_1, {}, {b}}));
    return sent;
  }

  std::shared_ptr<fake_storage> disk_ = std::make_shared<fake_storage>();
  config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<observed> board_ = std::make_shared<observed>();
  log_store_actor store_ = system_.spawn(log_store, disk_, board_, KiB(64));

 private:
  void bring_to_front(const caf::actor& a) {
    auto& jobs = scheduler().jobs;
    const auto id = a.id();
    const auto it = std::find_if(jobs.begin(), jobs.end(), [id](caf::resumable* job) {
      const auto* actor = dynamic_cast<const caf::local_actor*>(job);
      return actor != nullptr && actor->id() == id;
    });
    ASSERT_NE(it, jobs.end());
    std::rotate(jobs.begin(), it, it + 1);
  }
};

core::membership members_of(std::initializer_list<uint64_t> ids) {
  std::map<node_id, std::string> addresses;
  for (auto id : ids) addresses[node_id(id)] = "host:" + std::to_string(id);
  return core::membership::of_majority(std::move(addresses));
}

batch_ptr membership_after(const log_tail& tail, const core::membership& m) {
  batch_builder builder;
  builder.add(encode_membership(m));
  return builder.seal(batch_kind::membership, leader_of(1), tail);
}

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
  store_ = system_.spawn(log_store, disk_, board_, KiB(64));
  const auto s = state();
  ASSERT_EQ(s.memberships.size(), 1u);
  EXPECT_EQ(s.memberships[0].second, members);
  EXPECT_EQ(s.cluster, first->checksum());
}

// -- reads ----------------------------------------------------------------------------------------

TEST_F(log_store_test, a_read_beyond_the_log_is_invalid_and_harms_nobody) {
  EXPECT_EQ(ask<log_slice>(read_log{log_index(5), KiB(1)}).error, raft_errc::invalid);
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first_batch(members_of({1}))}}).reply);
  EXPECT_EQ(ask<log_slice>(read_log{log_index(1), KiB(1)}).reply->batches.size(), 1u);
}

TEST_F(log_store_test, who_lost_the_first_entry_is_in_its_cluster_all_the_same) {
  disk_->lost_entries = {{leader_of(3), log_index(9)}, "somewhere", 4711};
  EXPECT_EQ(state().cluster, 4711u);
  const auto first = first_batch(members_of({1, 2, 3}));
  ASSERT_TRUE(ask<flushed>(append{vote{}, {}, {first}}).reply);
  EXPECT_EQ(state().cluster, first->checksum());
}

// -- looking after what is there
// --------------------------------------------------------------------

TEST_F(log_store_test, the_disk_is_checked_at_the_rate_that_was_asked_for) {
  using namespace std::chrono_literals;
  const auto until = scheduler().clock().now() + 100s;
  while (scheduler().clock().now() < until && scheduler().trigger_timeout()) scheduler().run();
  EXPECT_GE(disk_->scrubbed, KiB(64 * 90).value);
  EXPECT_LE(disk_->scrubbed, KiB(64 * 110).value);
}

TEST_F(log_store_test, damage_that_is_found_ends_the_node_and_is_told) {
  disk_->found_by_scrub = absl::DataLossError("data/log/1 at offset 4096: it is damaged");
  ASSERT_TRUE(scheduler().trigger_timeout());
  scheduler().run();
  EXPECT_EQ(board_->get().failure, raft_errc::storage_failed);
  EXPECT_NE(board_->get().failure_text.find("data/log/1 at offset 4096"), std::string::npos);
}

}  // namespace
}  // namespace troupe
