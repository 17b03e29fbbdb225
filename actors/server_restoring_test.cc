// Whom a node asks for what damage took of its log, and when.
#include <gtest/gtest.h>

#include "actors/membership_codec.h"
#include "actors/raft_fixture.h"
#include "actors/server.h"
#include "caf/event_based_actor.hpp"

namespace troupe {
namespace {

using storage::missing_batches;

// What the log store was asked and what it answers; it never gets whole.
struct script {
  log_state log;
  std::optional<missing_batches> missing;
  std::vector<std::vector<batch_ptr>> found;  // that it was given
};

caf::behavior store(caf::event_based_actor*, std::shared_ptr<script> s) {
  return {
      [s](const describe_log&) { return s->log; },
      [s](const restore_log& m) {
        if (!m.found.empty()) s->found.push_back(m.found);
        return restored{s->log, s->missing};
      },
      [s](const save_vote& m) {
        s->log.saved = m.wanted;
        return s->log;
      },
      [s](const find_batches&) {
        log_slice all;
        for (log_tail tail; all.batches.size() < 5000; tail = all.batches.back()->tail()) {
          batch_builder one;
          one.add("x");
          all.batches.push_back(one.seal(batch_kind::commands, {term(1), node_id(1)}, tail));
        }
        return all;
      },
      [](const append&) { return flushed{}; },
      [](const tick&) {},
  };
}

caf::behavior machine_of_nothing() {
  return {[](const describe_applied&) { return applied{}; },
          [](const watch_state&) { return machine_state{}; }, [](const apply&) {},
          [](const tick&) {}};
}

// A member that has these batches, or none, and counts who asks it.
struct member {
  std::vector<batch_ptr> has;
  bool answers = true;
  std::vector<instant> asked;
};

caf::behavior peer(caf::event_based_actor* self, std::shared_ptr<member> m) {
  return {[=](const fetch_request&) -> caf::result<fetch_reply> {
            m->asked.push_back(self->clock().now());
            if (m->answers) return fetch_reply{m->has};
            return self->make_response_promise<fetch_reply>();
          },
          [](const core::vote_request&) -> caf::result<core::vote_reply> {
            return make_error(raft_errc::unreachable);
          },
          [](const tick&) {}};
}

class server_restoring_test : public virtual_raft_test {
 protected:
  server_restoring_test() {
    const auto first = first_batch(members_of({1, 2, 3}));
    script_->log.tail = first->tail();
    script_->log.runs = {{log_index(1), first->leader()}};
    script_->log.memberships = {{first->last(), members_of({1, 2, 3})}};
    script_->log.cluster = first->checksum();
    script_->log.saved = {{term(1), node_id(2)}, true};
    script_->log.lost = storage::lost_entries{{{term(1), node_id(2)}, log_index(9)}, "somewhere"};
    batch_builder lost;
    lost.add("lost");
    lost_ = lost.seal(batch_kind::commands, {term(1), node_id(2)}, first->tail());
    script_->missing = missing_batches{log_index(1), {lost_->last()}};
  }
  ~server_restoring_test() override {
    server_ = nullptr;
    for (const auto& a : others_) caf::anon_send_exit(a, caf::exit_reason::kill);
  }

  caf::actor keep(caf::actor a) { return others_.emplace_back(std::move(a)); }
  void start_server() {
    server_options o;
    o.id = node_id(1);
    o.store = caf::actor_cast<log_store_actor>(keep(system_.spawn(store, script_)));
    o.machine = caf::actor_cast<state_machine_actor>(keep(system_.spawn(machine_of_nothing)));
    o.resolve = [this](const server_actor&, node_id id, const std::string&) {
      return caf::actor_cast<peer_actor>(keep(system_.spawn(peer, members_.at(id))));
    };
    server_ = system_.spawn(server_behavior, std::move(o));
    keep(caf::actor_cast<caf::actor>(server_));
    run();
    EXPECT_EQ(asked(2) + asked(3), 0u) << "first it listens for a leader";
    run_for(core::timing().election_timeout_max + std::chrono::milliseconds(10));
  }
  void run_for(duration d) {
    const auto end = now() + d;
    for (const duration step = std::chrono::milliseconds(10); now() < end; run())
      coordinator().clock().advance_time(step);
  }
  size_t asked(uint64_t id) const { return members_.at(node_id(id))->asked.size(); }
  template <class Reply, class Request>
  std::variant<Reply, caf::error> ask(Request m) {
    std::variant<Reply, caf::error> answer;
    keep(system_.spawn([&, m](caf::event_based_actor* self) {
      self->request(server_, caf::infinite, m)
          .then([&](const Reply& r) { answer = r; }, [&](const caf::error& e) { answer = e; });
    }));
    run();
    return answer;
  }

  std::shared_ptr<script> script_ = std::make_shared<script>();
  std::map<node_id, std::shared_ptr<member>> members_{{node_id(2), std::make_shared<member>()},
                                                      {node_id(3), std::make_shared<member>()}};
  batch_ptr lost_;
  std::vector<caf::actor> others_;
  server_actor server_;
};

TEST_F(server_restoring_test, who_has_it_is_asked_and_then_nobody_else) {
  members_[node_id(3)]->has = {lost_};
  start_server();
  EXPECT_EQ(asked(3), 1u);
  EXPECT_EQ(asked(2), 0u);
  ASSERT_EQ(script_->found.size(), 1u);
  EXPECT_EQ(script_->found[0], std::vector{lost_});
}

TEST_F(server_restoring_test, who_helped_is_asked_first_the_next_time) {
  members_[node_id(2)]->has = {lost_};
  start_server();
  EXPECT_EQ(asked(3), 1u);
  EXPECT_EQ(asked(2), 1u);
  script_->missing->after = log_index(0);
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(asked(3), 1u);
  EXPECT_GT(asked(2), 1u);
}

TEST_F(server_restoring_test, what_was_not_asked_for_is_not_kept) {
  batch_builder other;
  other.add("other");
  members_[node_id(3)]->has = {other.seal(batch_kind::commands, {term(7), node_id(2)}, {})};
  start_server();
  EXPECT_EQ(asked(2), 1u) << "the next one is asked";
  EXPECT_TRUE(script_->found.empty());
}

TEST_F(server_restoring_test, while_nobody_has_it_the_pauses_grow) {
  start_server();
  run_for(std::chrono::minutes(1));
  const auto& times = members_[node_id(2)]->asked;
  ASSERT_GE(times.size(), 5u);
  EXPECT_LE(times.size(), 30u);
  EXPECT_EQ(times.back() - times[times.size() - 2], std::chrono::seconds(5));
}

TEST_F(server_restoring_test, one_that_does_not_answer_holds_up_nothing_for_ever) {
  members_[node_id(3)]->answers = false;
  members_[node_id(2)]->has = {lost_};
  start_server();
  EXPECT_EQ(asked(2), 0u);
  run_for(core::timing().rpc_timeout(MiB(1)));
  EXPECT_GE(asked(2), 1u);
  EXPECT_FALSE(script_->found.empty());
}

TEST_F(server_restoring_test, a_leader_that_is_alive_is_asked_nothing_more) {
  start_server();
  const auto before = asked(2) + asked(3);
  core::append_request alive;
  alive.to = node_id(1);
  alive.session.leader = {{term(2), node_id(2)}, true};
  alive.previous = script_->log.tail.last;
  alive.cluster = script_->log.cluster;
  for (int i = 0; i < 100; ++i) {
    const auto answer = ask<core::append_reply>(alive);
    ASSERT_EQ(std::get<core::append_reply>(answer).verdict, core::verdict::matched);
    run_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(asked(2) + asked(3), before);
  run_for(std::chrono::seconds(10));
  EXPECT_GT(asked(2) + asked(3), before) << "when it is silent again";
}

TEST_F(server_restoring_test, a_member_of_another_cluster_is_told_so) {
  start_server();
  for (const uint64_t cluster : {uint64_t{0}, script_->log.cluster + 1}) {
    const auto answer = ask<fetch_reply>(fetch_request{cluster, {log_index(0), {lost_->last()}}});
    ASSERT_TRUE(std::holds_alternative<caf::error>(answer));
    EXPECT_EQ(code_of(std::get<caf::error>(answer), raft_errc::none), raft_errc::not_allowed);
  }
}

// Else the asker would refuse the message, and close the connection.
TEST_F(server_restoring_test, an_answer_has_no_more_batches_than_a_message_may_have) {
  start_server();
  const auto answer =
      ask<fetch_reply>(fetch_request{script_->log.cluster, {log_index(0), {lost_->last()}}});
  const auto& found = std::get<fetch_reply>(answer).batches;
  ASSERT_EQ(found.size(), wire::max_payloads);
  EXPECT_EQ(found.back()->last_index(), log_index(5000)) << "the newest";
}

}  // namespace
}  // namespace troupe
