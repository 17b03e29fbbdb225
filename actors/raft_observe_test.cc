// Rules of what the handle tells of its node: whole nodes of one process, in virtual time.
#include <algorithm>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

class raft_observe_test : public virtual_raft_test {};

// -- watching -------------------------------------------------------------------------------------

TEST_F(raft_observe_test, the_watches_see_what_a_write_changes) {
  start_led(1, members_of({1}));
  auto& node = nodes_[0];
  auto log = node.watch_log();
  auto commit = node.watch_commit();
  auto apply = node.watch_apply();
  auto vote = node.watch_vote();
  auto snapshot = node.watch_snapshot();
  const auto index = got(node.write("add")).index;
  run();
  EXPECT_TRUE(log.changed() && commit.changed() && apply.changed());
  EXPECT_FALSE(vote.changed() || snapshot.changed());
  EXPECT_EQ(log.get().index, index);
  EXPECT_EQ(commit.get(), index);
  EXPECT_EQ(apply.get(), index);
  EXPECT_EQ(got(apply.wait_until_ge(index, 1s)), waited::ok);
  EXPECT_EQ(vote.get().leader.node, node.id());
}

TEST_F(raft_observe_test, an_actor_waits_with_a_message_to_itself) {
  start_led(1, members_of({1}));
  auto& node = nodes_[0];
  std::vector<waited> heard;
  const auto waiter = system_.spawn([&heard](caf::event_based_actor*) -> caf::behavior {
    return {[&heard](int how) { heard.push_back(static_cast<waited>(how)); }};
  });
  const auto next = node.metrics().applied.next();
  node.when(until::applied_at_least(next), 1s,
            [waiter](waited how) { caf::anon_send(waiter, static_cast<int>(how)); });
  run();
  EXPECT_TRUE(heard.empty());
  ASSERT_TRUE(got(node.write("add")).ok());
  run();
  EXPECT_EQ(heard, std::vector{waited::ok});
}

TEST_F(raft_observe_test, recovery_ends_when_the_old_log_is_applied_again) {
  auto o = options_of(node_id(1), network_);
  o.genesis = members_of({1});
  const auto disk = o.storage;
  nodes_.push_back(*start_node(system_, std::move(o)));
  ASSERT_EQ(got(nodes_[0].wait(until::role(node_role::leader), 1s)), waited::ok);
  const auto index = got(nodes_[0].write_many(commands(5))).index;
  nodes_.clear();
  run();

  o = options_of(node_id(1), network_);
  o.storage = disk;
  o.elections = false;  // it would be its own quorum at once
  nodes_.push_back(*start_node(system_, std::move(o)));
  run();
  const auto m = nodes_[0].metrics();
  EXPECT_EQ(m.found, index);
  EXPECT_FALSE(m.recovered());
  auto recovered = nodes_[0].wait_for_recovery(10s);
  EXPECT_EQ(recovered.wait_for(0s), std::future_status::timeout);
  nodes_[0].enable_elections(true);
  EXPECT_EQ(got(std::move(recovered)), waited::ok);
  EXPECT_GE(nodes_[0].metrics().applied, m.found);
}

// -- changes of leader ----------------------------------------------------------------------------

// What the callbacks of one node were told.
struct told {
  struct event {
    bool start;
    leader_id which;
  };
  std::vector<event> own;
  std::vector<std::pair<leader_id, leader_id>> cluster;

  void listen_to(raft& node) {
    node.on_leader_change(
        [this](leader_id l) {
          own.push_back({true, l});
        },
        [this](leader_id l) {
          own.push_back({false, l});
        });
    node.on_cluster_leader_change(
        [this](leader_id before, leader_id now) { cluster.emplace_back(before, now); });
  }

  void expect_in_order(node_id id) const {
    leader_id held, greatest;
    for (const auto& e : own) {
      EXPECT_EQ(e.start, !held) << "start and stop alternate";
      EXPECT_EQ(e.which.node, id);
      if (e.start)
        EXPECT_GT(e.which, greatest);
      else
        EXPECT_EQ(e.which, held) << "the stop is of what was started";
      held = e.start ? e.which : leader_id{};
      greatest = e.which;
    }
    EXPECT_FALSE(held) << "every leadership was stopped";
    leader_id last;
    for (const auto& [before, now] : cluster) {
      EXPECT_EQ(before, last);
      EXPECT_NE(before, now);
      last = now;
    }
    EXPECT_FALSE(last);
  }
};

TEST_F(raft_observe_test, starts_and_stops_alternate_over_many_leaders_and_at_the_end) {
  start_led(3, members_of({1, 2, 3}));
  std::array<told, 3> heard;
  for (size_t i = 0; i < 3; ++i) heard[i].listen_to(nodes_[i]);
  run();
  for (int changes = 0; changes < 60; ++changes) {
    raft* old = leader();
    const auto was = old->metrics().leader;
    ASSERT_EQ(got(old->enable_heartbeats(false)), raft_errc::none);
    const auto another_leads = [&] { return leader() && leader()->metrics().leader != was; };
    ASSERT_TRUE(run_until(another_leads));
    ASSERT_EQ(got(old->enable_heartbeats(true)), raft_errc::none);
    ASSERT_EQ(got(leader()->write("add")).code, raft_errc::none);
  }
  nodes_.clear();
  run();
  size_t starts = 0;
  for (size_t i = 0; i < 3; ++i) {
    heard[i].expect_in_order(node_id(i + 1));
    for (const auto& e : heard[i].own) starts += e.start;
  }
  EXPECT_GE(starts, 61u);
}

TEST_F(raft_observe_test, a_late_listener_is_told_of_the_present_leader) {
  start_led(1, members_of({1}));
  told heard;
  heard.listen_to(nodes_[0]);
  run();
  ASSERT_EQ(heard.own.size(), 1u);
  EXPECT_TRUE(heard.own[0].start);
  ASSERT_EQ(heard.cluster.size(), 1u);
  EXPECT_EQ(heard.cluster[0].second, heard.own[0].which);
  nodes_.clear();  // they hear of the end too
  run();
  heard.expect_in_order(node_id(1));
}

// -- bounds ---------------------------------------------------------------------------------------

// Before any actor does anything.
template <class T>
T at_once(std::future<T> f) {
  if (f.wait_for(0s) != std::future_status::ready) throw std::runtime_error("not answered at once");
  return f.get();
}

TEST_F(raft_observe_test, questions_are_bounded_and_those_that_are_answered_make_room) {
  start_led(1, members_of({1}));
  auto& node = nodes_[0];
  for (int round = 0; round < 2; ++round) {
    std::vector<std::future<result<status>>> asked;
    for (size_t i = 0; i < raft::most_asked; ++i) asked.push_back(node.status());
    EXPECT_EQ(asked.back().wait_for(0s), std::future_status::timeout);
    EXPECT_EQ(at_once(node.status()).code, raft_errc::busy);
    EXPECT_EQ(at_once(node.with_state_machine([](const machine&) {})), raft_errc::busy);
    EXPECT_EQ(at_once(node.enable_elections(true)), raft_errc::busy);
    EXPECT_EQ(at_once(node.order(transfer{})).code, raft_errc::busy);
    for (auto& a : asked) EXPECT_TRUE(got(std::move(a)).ok());
  }
}

TEST_F(raft_observe_test, waits_are_bounded) {
  start_led(1, members_of({1}));
  const auto never = [](const metrics&) { return false; };
  std::vector<std::future<waited>> waiting;
  for (size_t i = 0; i < observed::most_waits; ++i) waiting.push_back(nodes_[0].wait(never, 1s));
  EXPECT_EQ(got(nodes_[0].watch_apply().next(1s)), waited::busy);
  EXPECT_EQ(got(nodes_[0].ensure_linearizable()).code, raft_errc::busy);
  for (auto& w : waiting) EXPECT_EQ(got(std::move(w)), waited::timed_out);
  EXPECT_TRUE(got(nodes_[0].ensure_linearizable()).ok());
}

TEST_F(raft_observe_test, a_command_too_many_is_busy_and_nothing_happened) {
  start_led(1, members_of({1}));
  const std::string much(intake::bound / 2, 'x');
  auto first = nodes_[0].write(much);
  EXPECT_EQ(at_once(nodes_[0].write(much)).code, raft_errc::busy);
  EXPECT_EQ(got(std::move(first)).result, "1");
  EXPECT_EQ(got(nodes_[0].write("add")).result, "2");
}

// -- reads ----------------------------------------------------------------------------------------

TEST_F(raft_observe_test, ensure_linearizable_asks_the_followers_or_trusts_the_lease) {
  start_led(3, members_of({1, 2, 3}));
  auto& node = *leader();
  ASSERT_TRUE(got(node.ensure_linearizable()).ok());
  for (auto& other : nodes_)
    if (!other.is_leader()) other.stop();
  run();
  EXPECT_TRUE(got(node.ensure_linearizable(1s, read_mode::lease)).ok());
  EXPECT_EQ(got(node.ensure_linearizable(1ms)).code, raft_errc::outcome_unknown);
  for (auto mode : {read_mode::stale, read_mode::follower})
    EXPECT_EQ(got(node.ensure_linearizable(1s, mode)).code, raft_errc::invalid);
}

TEST_F(raft_observe_test, a_look_that_has_begun_is_waited_for) {
  start_led(1, members_of({1}));
  const auto look = [this](const machine&) { coordinator().clock().advance_time(1h); };
  EXPECT_EQ(got(nodes_[0].with_state_machine(look, 1s)), raft_errc::none);
}

// -- switches -------------------------------------------------------------------------------------

TEST_F(raft_observe_test, without_elections_nobody_stands_and_with_them_again_somebody_wins) {
  start(3, members_of({1, 2, 3}));
  for (auto& node : nodes_) ASSERT_EQ(got(node.enable_elections(false)), raft_errc::none);
  EXPECT_EQ(got(nodes_[0].wait(until::leader_known(), 30s)), waited::timed_out);
  ASSERT_EQ(got(nodes_[0].enable_elections(true)), raft_errc::none);
  EXPECT_EQ(got(nodes_[1].wait(until::current_leader(node_id(1)), 30s)), waited::ok);
}

TEST_F(raft_observe_test, what_a_node_is_started_with_holds_until_it_is_switched) {
  const auto members = members_of({1, 2, 3});
  for (uint64_t id = 1; id <= 3; ++id) {
    auto o = options_of(node_id(id), network_);
    o.genesis = members;
    o.heartbeats = false;
    nodes_.push_back(*start_node(system_, std::move(o)));
    network_->add(nodes_.back());
    EXPECT_FALSE(nodes_.back().config().heartbeats);
  }
  const auto another_than = [](leader_id was) {
    return [was](const metrics& m) { return m.leader && m.leader != was; };
  };
  ASSERT_EQ(got(nodes_[0].wait(until::leader_known(), 10s)), waited::ok);
  const auto first = nodes_[0].metrics().leader;
  ASSERT_EQ(got(nodes_[0].wait(another_than(first), 10s)), waited::ok);
  // Whoever leads, now or later, sends them again.
  for (auto& node : nodes_) ASSERT_EQ(got(node.enable_heartbeats(true)), raft_errc::none);
  ASSERT_TRUE(run_until([&] { return leader() != nullptr; }));
  ASSERT_EQ(got(leader()->order(transfer{})).code, raft_errc::none);
  ASSERT_TRUE(run_until([&] { return leader() != nullptr; }));
  const auto last = leader()->metrics().leader;
  EXPECT_EQ(got(leader()->wait(another_than(last), 30s)), waited::timed_out);
}

}  // namespace
}  // namespace troupe
