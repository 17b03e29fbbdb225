// A log_store actor under CAF's test scheduler, over memory that fails when told: for tests that
// handle one message at a time.
#pragma once

#include <gtest/gtest.h>

#include "actors/log_store.h"
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

using storage::batch_after;
using storage::batches_after;
using storage::leader_of;

inline constexpr vote vote_1{{term(1), node_id(1)}, true};
inline constexpr vote vote_2{{term(2), node_id(2)}, true};

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
  std::vector<batch_ptr> restorable;  // is put back
  std::optional<storage::missing_batches> missing;
  std::vector<batch_ptr> kept;
  absl::Status restoring;

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
  absl::StatusOr<std::optional<storage::missing_batches>> restore() override {
    if (!restoring.ok()) return restoring;
    if (auto s = memory_.append(std::exchange(restorable, {})); !s.ok()) return s;
    return missing;
  }
  absl::Status keep_aside(std::span<const batch_ptr> batches) override {
    kept.insert(kept.end(), batches.begin(), batches.end());
    return restoring;
  }
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

class log_store_fixture : public testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() {
      prepare(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  log_store_fixture() {
    system_.await_actors_before_shutdown(false);
    scheduler().run();
  }
  ~log_store_fixture() override {
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
  log_store_actor store_ = system_.spawn(log_store, disk_, log_beginning{}, board_, KiB(64));

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

inline core::membership members_of(std::initializer_list<uint64_t> ids) {
  std::map<node_id, std::string> addresses;
  for (auto id : ids) addresses[node_id(id)] = "host:" + std::to_string(id);
  return core::membership::of_majority(std::move(addresses));
}

inline batch_ptr membership_after(const log_tail& tail, const core::membership& m) {
  batch_builder builder;
  builder.add(encode_membership(m));
  return builder.seal(batch_kind::membership, leader_of(1), tail);
}

}  // namespace troupe
