// For tests of the handle: a machine that counts, and nodes of one process, with real threads or in
// virtual time.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "actors/in_process.h"
#include "actors/node.h"
#include "caf/actor_system.hpp"
#include "caf/scheduler/test_coordinator.hpp"
#include "storage/memory_storage.h"

namespace troupe {

// Answers each command with how many there were so far, and each query with that number. What is
// said to be poison, it throws at.
class counter final : public machine {
 public:
  void apply(log_index, frames_view commands, frames& results) override {
    for (auto c : commands) {
      if (c == "poison") throw std::runtime_error("cannot bear it");
      if (c == "mute") continue;
      results.add(std::to_string(++count_));
    }
  }
  void query(std::string_view question, frames& results) override {
    if (question == "poison") throw 42;
    results.add(std::to_string(count_));
  }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
};

inline core::membership members_of(std::initializer_list<uint64_t> ids) {
  std::map<node_id, std::string> addresses;
  for (auto id : ids) addresses[node_id(id)] = "in-process:" + std::to_string(id);
  return core::membership::of_majority(std::move(addresses));
}

inline frames commands(int n) {
  frames f;
  for (int i = 0; i < n; ++i) f.add("add");
  return f;
}

inline node_options options_of(node_id id, const std::shared_ptr<in_process_network>& network) {
  node_options o;
  o.id = id;
  o.storage = std::make_shared<storage::memory_storage>();
  o.storage_blocks = false;
  o.machine = std::make_shared<counter>();
  o.resolve = in_process_network::resolver_of(network);
  o.seed = id.value;
  return o;
}

// -- real threads ---------------------------------------------------------------------------------

constexpr auto patience = std::chrono::seconds(20);

template <class T>
T got(std::future<T> f) {
  if (f.wait_for(patience) != std::future_status::ready) throw std::runtime_error("no answer");
  return f.get();
}

// Nodes 1 to n, which belong to no cluster yet.
class raft_test : public testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() {
      prepare(*this);
      set("scheduler.max-threads", size_t{4});  // a test may hold one of them up
    }
  };

  void start(uint64_t n) {
    for (uint64_t id = 1; id <= n; ++id) {
      nodes_.push_back(*start_node(system_, options_of(node_id(id), network_)));
      network_->add(nodes_.back());
    }
  }

  // Starts `n` nodes as one cluster; returns when there is a leader that all of them know.
  void start_cluster(uint64_t n, const core::membership& members) {
    start(n);
    for (auto& node : nodes_) ASSERT_EQ(got(node.initialize(members)), raft_errc::none);
    for (auto& node : nodes_)
      ASSERT_EQ(got(node.wait(until::leader_known(), patience)), waited::ok);
    // The leader's own machine must have something to read.
    ASSERT_EQ(got(nodes_[0].write_blank()).code, raft_errc::none);
  }

  size_t leader_at() {
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].is_leader()) return i;
    throw std::runtime_error("no leader");
  }
  raft& the_leader() { return nodes_[leader_at()]; }
  raft& a_follower() { return nodes_[(leader_at() + 1) % nodes_.size()]; }

  void TearDown() override {
    for (auto& node : nodes_) node.shutdown();
  }

  config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<in_process_network> network_ = std::make_shared<in_process_network>();
  std::vector<raft> nodes_;
};

// -- virtual time ---------------------------------------------------------------------------------

// The same without threads: nothing happens but in run() and run_until().
class virtual_raft_test : public testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() {
      prepare(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  virtual_raft_test() { system_.await_actors_before_shutdown(false); }
  ~virtual_raft_test() override {
    nodes_.clear();
    do {
      run();
      coordinator().clock().cancel_all();
    } while (coordinator().has_job());
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  instant now() { return coordinator().clock().now(); }
  // All that can happen without time passing.
  void run() { coordinator().run(); }
  bool run_until(const std::function<bool()>& reached, duration most = std::chrono::minutes(10)) {
    const auto end = now() + most;
    for (run(); !reached(); run())
      if (now() >= end || !coordinator().trigger_timeout()) return false;
    return true;
  }
  template <class T>
  T got(std::future<T> f) {
    const auto ready = [&] { return f.wait_for(duration::zero()) == std::future_status::ready; };
    if (!run_until(ready)) throw std::runtime_error("no answer");
    return f.get();
  }

  // Nodes 1 to n as one cluster, without waiting for its leader.
  void start(uint64_t n, const core::membership& members) {
    for (uint64_t id = 1; id <= n; ++id) {
      auto o = options_of(node_id(id), network_);
      o.genesis = members;
      nodes_.push_back(*start_node(system_, std::move(o)));
      network_->add(nodes_.back());
    }
  }
  // The same, until all know its leader, which has something to read.
  void start_led(uint64_t n, const core::membership& members) {
    start(n, members);
    const duration most = std::chrono::seconds(10);
    for (auto& node : nodes_) ASSERT_EQ(got(node.wait(until::leader_known(), most)), waited::ok);
    ASSERT_EQ(got(leader()->write_blank()).code, raft_errc::none);
  }
  raft* leader() {
    for (auto& n : nodes_)
      if (n.is_leader()) return &n;
    return nullptr;
  }

  config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<in_process_network> network_ = std::make_shared<in_process_network>();
  std::vector<raft> nodes_;
};

}  // namespace troupe
