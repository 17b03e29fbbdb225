// Rules of what a node can be started with.
#include <limits>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

class node_test : public virtual_raft_test {
 protected:
  // What is wrong with a node whose options `spoil` changed.
  std::string refusal(const std::function<void(node_options&)>& spoil) {
    auto o = options_of(node_id(1), network_);
    o.genesis = members_of({1, 2, 3});
    EXPECT_TRUE(check(o).ok());
    spoil(o);
    const auto why = check(o);
    EXPECT_EQ(why.ok() ? "" : why.ToString(), started(std::move(o)));
    return std::string(why.message());
  }

 private:
  std::string started(node_options o) {
    const auto node = start_node(system_, std::move(o));
    return node.ok() ? "" : node.status().ToString();
  }
};

TEST_F(node_test, what_is_missing_is_named) {
  EXPECT_EQ(refusal([](auto& o) { o.id = node_id(0); }), "id: must be at least 1");
  EXPECT_EQ(refusal([](auto& o) { o.storage = nullptr; }), "storage: is missing");
  EXPECT_EQ(refusal([](auto& o) { o.machine = nullptr; }), "machine: is missing");
  EXPECT_EQ(refusal([](auto& o) { o.resolve = nullptr; }), "resolve: is missing");
}

TEST_F(node_test, a_first_membership_has_the_node_and_quorums_that_meet) {
  EXPECT_EQ(refusal([](auto& o) { o.genesis = {}; }), "");
  EXPECT_EQ(refusal([](auto& o) {
              o.genesis = members_of({2, 3});
            }),
            "genesis: does not have this node");
  EXPECT_NE(refusal([](auto& o) {
              o.genesis = core::membership({core::quorum::majority({node_id(1), node_id(9)})},
                                           o.genesis.nodes());
            }).find("voter 9 has no address"),
            std::string::npos);
}

TEST_F(node_test, a_heartbeat_comes_before_a_timeout_and_the_timeouts_are_a_range) {
  const auto with = [this](duration heartbeat, duration min, duration max) {
    return refusal([=](auto& o) { o.timing = {min, max, heartbeat}; });
  };
  const std::string order =
      "heartbeat_interval: must be less than election_timeout_min, and that less than "
      "election_timeout_max; they are ";
  EXPECT_EQ(with(50ms, 150ms, 151ms), "");
  EXPECT_EQ(with(150ms, 150ms, 300ms), order + "150ms, 150ms and 300ms");
  EXPECT_EQ(with(50ms, 150ms, 150ms), order + "50ms, 150ms and 150ms");
  EXPECT_EQ(with(50ms, 300ms, 150ms), order + "50ms, 300ms and 150ms");
  EXPECT_EQ(with(0ms, 150ms, 300ms), "heartbeat_interval: must be at least 1ms");
  EXPECT_EQ(with(50ms, 150ms, 11min), "election_timeout_max: must be at most 10m");
}

TEST_F(node_test, a_limit_of_nothing_is_refused) {
  const std::string none = "must be at least 1";
  EXPECT_EQ(refusal([](auto& o) { o.limits.under_way = {}; }), "under_way: " + none);
  EXPECT_EQ(refusal([](auto& o) { o.limits.rounds = 0; }), "rounds: " + none);
  EXPECT_EQ(refusal([](auto& o) { o.limits.replication.window = {}; }), "window: " + none);
  EXPECT_EQ(refusal([](auto& o) { o.limits.replication.request = {}; }), "request: " + none);
  EXPECT_EQ(refusal([](auto& o) { o.limits.replication.requests = 0; }), "requests: " + none);
  for (const auto size : {byte_count(0), MiB(65)})
    EXPECT_EQ(refusal([=](auto& o) { o.limits.batch = size; }),
              "batch: must be from 1 B to 64 MiB");
}

TEST_F(node_test, the_bound_on_clock_drift_is_a_number_from_1_to_10) {
  for (const double drift : {0.99, 10.1, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_EQ(refusal([=](auto& o) { o.limits.clock_drift = drift; }),
              "clock_drift: must be from 1 to 10");
  for (const double drift : {1.0, 10.0})
    EXPECT_EQ(refusal([=](auto& o) { o.limits.clock_drift = drift; }), "");
}

}  // namespace
}  // namespace troupe
