// A follower behind a thin link, and what it costs the others: three nodes of the real actors in
// virtual time, and more writes than the link carries.
#include <algorithm>

#include <gtest/gtest.h>

#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "testing/cluster.h"

namespace troupe::sim {
struct write_tick {};
}  // namespace troupe::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::sim::write_tick)

namespace troupe::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// 1 MB/s and 200 ms, each way.
constexpr line thin{1e6, milliseconds(200)};
constexpr duration round_trip = 2 * thin.delay;
constexpr double path_holds = 0.4e6;  // bytes in a round trip
// Longer than the usual ones, because a heartbeat alone takes 200 ms.
constexpr core::timing slow{seconds(1), seconds(2), milliseconds(100)};

// -- load -----------------------------------------------------------------------------------------

struct load {
  peer_actor to;
  oracle* truth = nullptr;
  size_t commands = 20, bytes = 1000;  // every 10 ms: 2 MB/s
  std::vector<duration> latencies;
  bool stopped = false;
};
struct writer_state {
  static inline const char* name = "writer";
  uint64_t requests = 0;
};

void write_some(caf::stateful_actor<writer_state>* self, load* l) {
  propose m;
  m.id = request_id(++self->state.requests);
  const auto op = l->truth->begin_write(l->commands);
  for (const auto command : l->truth->commands_of(op))
    m.commands.add(encode_command(command, l->bytes));
  const auto sent = self->clock().now();
  self->request(l->to, caf::infinite, std::move(m))
      .then(
          [=](const outcome& o) {
            EXPECT_EQ(o.code, raft_errc::none);
            l->truth->end(op, o);
            l->latencies.push_back(self->clock().now() - sent);
          },
          [](const caf::error&) { ADD_FAILURE() << "a write failed"; });
}

caf::behavior writer(caf::stateful_actor<writer_state>* self, load* l) {
  return {[=](const write_tick&) {
    if (l->stopped) return;
    write_some(self, l);
    self->delayed_send(self, milliseconds(10), write_tick{});
  }};
}

duration median(std::vector<duration> all) {
  std::ranges::sort(all);
  return all.at(all.size() / 2);
}

// -- the cluster ----------------------------------------------------------------------------------

class thin_link_test : public testing::Test {
 protected:
  thin_link_test() {
    net_.set_weather({.delay_min = milliseconds(1), .delay_max = milliseconds(1)});
    for (const auto id : {node_id(1), node_id(2)}) {
      net_.set_line(id, follower_, thin);
      net_.set_line(follower_, id, thin);
    }
    for (const auto id : cluster_.ids()) cluster_.start(id);
    run_until(seconds(30), [&] { return cluster_.leading().size() == 1; });
    run(seconds(1));
    leader_ = cluster_.leading().at(0);
    elections_ = judge_.elections();
    load_.truth = &truth_;
    load_.to = cluster_.link({node_id(100), 0}, leader_);
    writer_ = scheduler_.system().spawn(writer, &load_);
  }
  ~thin_link_test() override {
    EXPECT_EQ(judge_.failure(), "");
    EXPECT_EQ(cluster_.leading(), std::vector{leader_});
    EXPECT_EQ(judge_.elections(), elections_) << "the term is the same";
    caf::anon_send_exit(writer_, caf::exit_reason::kill);
    load_.to = nullptr;
  }

  void stop_follower() {
    for (const auto id : cluster_.ids()) net_.cut(id, follower_), net_.cut(follower_, id);
  }

  void begin_load() { caf::anon_send(writer_, write_tick{}); }

  template <class Enough>
  void run_until(duration limit, Enough enough) {
    const auto end = scheduler_.now() + limit;
    while (scheduler_.now() < end && judge_.failure().empty() && !enough()) {
      cluster_.observe(scheduler_.step(end));
      most_backlog_ = std::max(most_backlog_, net_.backlog(leader_, follower_, scheduler_.now()));
    }
  }
  void run(duration d) {
    run_until(d, [] { return false; });
  }

  uint64_t log_bytes(node_id id) const {
    uint64_t bytes = 0;
    for (const auto& b : judge_.seen().disks.at(id).log) bytes += b->size().value;
    return bytes;
  }
  bool caught_up() const { return log_bytes(follower_) == log_bytes(leader_); }
  uint64_t handed() const { return net_.handed(leader_, follower_).value; }

  // Bytes a second that came into the follower's log.
  double rate_of(duration d) {
    const auto before = log_bytes(follower_);
    run(d);
    return static_cast<double>(log_bytes(follower_) - before) /
           std::chrono::duration<double>(d).count();
  }

  dice chance_{1};
  judge judge_{core::vote_mode::advanced, members_of(3), false};
  oracle truth_{[this](const std::string& what) { judge_.complain(what); }};
  scheduler scheduler_{chance_};
  network net_{chance_, judge_};
  load load_;
  caf::actor writer_;
  const node_id follower_{3};
  node_id leader_;  // another one: whoever asks over the thin link asks too late
  uint64_t elections_ = 0;
  duration most_backlog_{0};
  cluster cluster_{scheduler_, net_,    judge_,
                   truth_,     chance_, {.timing = slow, .segment_size = MiB(8)}};
};

TEST_F(thin_link_test, writes_are_as_fast_as_without_the_follower) {
  cluster_.kill(follower_);
  begin_load();
  run(seconds(5));
  const auto without = std::exchange(load_.latencies, {});
  cluster_.start(follower_);
  run(seconds(20));
  ASSERT_GT(load_.latencies.size(), 1900u);
  EXPECT_EQ(median(load_.latencies), median(without));
  EXPECT_EQ(std::ranges::max(load_.latencies), std::ranges::max(without));
}

TEST_F(thin_link_test, the_follower_gets_what_the_link_carries_and_little_waits_for_it) {
  begin_load();
  run(seconds(5));
  EXPECT_GE(rate_of(seconds(10)), 0.8 * thin.rate) << "beside the load";
  load_.stopped = true;
  const auto behind = log_bytes(leader_) - log_bytes(follower_);
  ASSERT_GT(behind, 10e6);
  EXPECT_GE(rate_of(seconds(10)), 0.8 * thin.rate) << "behind it";
  // What is handed over waits no longer than about a round trip, heartbeats as well.
  EXPECT_LE(most_backlog_, round_trip * 5 / 4);
  run_until(seconds(20), [&] { return caught_up(); });
  EXPECT_TRUE(caught_up());
  EXPECT_LE(static_cast<double>(handed()), 1.05 * static_cast<double>(log_bytes(follower_)))
      << "nothing is sent twice";
}

TEST_F(thin_link_test, what_is_sent_and_not_there_is_about_two_round_trips_worth) {
  begin_load();
  const auto base = log_bytes(follower_);
  double most = 0;
  run_until(seconds(15), [&] {
    most = std::max(most, static_cast<double>(handed() + base - log_bytes(follower_)));
    return false;
  });
  EXPECT_LE(most, 3 * path_holds);
}

TEST_F(thin_link_test, a_stopped_follower_is_sent_a_window_once_and_then_only_asked) {
  load_.commands = 5;  // half of what the line carries: what it lacks is at hand
  begin_load();
  run(seconds(5));
  stop_follower();
  const auto before = handed();
  run(seconds(10));
  load_.stopped = true;
  EXPECT_LE(static_cast<double>(handed() - before), 3 * path_holds);
  const auto after = handed();
  run(seconds(100));
  EXPECT_LE(handed() - after, KiB(120).value) << "ten heartbeats a second";
  net_.heal();
  const auto behind = static_cast<double>(log_bytes(leader_) - log_bytes(follower_));
  ASSERT_GT(behind, 4e6);
  const auto healed = scheduler_.now();
  run_until(seconds(60), [&] { return caught_up(); });
  const std::chrono::duration<double> took = scheduler_.now() - healed;
  // A heartbeat finds out that it answers, and the window grows again from its beginning.
  EXPECT_LE(took.count(), behind / (0.8 * thin.rate) + 2);
}

// More than a minute on the line, where a request without payload is given up after eight seconds.
TEST_F(thin_link_test, the_largest_batch_goes_through_once) {
  load_.commands = 1;
  load_.bytes = batch::max_size - (1 << 17);
  begin_load();
  run(milliseconds(5));
  load_.stopped = true;
  run_until(seconds(90), [&] { return caught_up(); });
  EXPECT_TRUE(caught_up());
  EXPECT_LE(handed(), log_bytes(follower_) + KiB(512).value);
}

}  // namespace
}  // namespace troupe::sim
