// What scenes with changes of the membership have in common.
#pragma once

#include <gtest/gtest.h>

#include "testing/orders.h"
#include "testing/stage.h"

namespace troupe::sim {

using namespace std::chrono_literals;
using kind = core::member_change::kind;

inline std::map<node_id, core::member> named(std::initializer_list<uint64_t> ids) {
  std::map<node_id, core::member> nodes;
  for (const auto id : ids) nodes[node_id(id)].address = address_of(node_id(id));
  return nodes;
}

inline change_members change(kind what, std::initializer_list<uint64_t> ids, bool retain = false) {
  change_members c;
  c.changes.push_back({what, named(ids), {}});
  c.retain = retain;
  return c;
}

inline cluster_options present(size_t nodes, size_t voters) {
  cluster_options o;
  o.nodes = nodes;
  o.voters = voters;
  return o;
}

inline std::set<node_id> ids(std::initializer_list<uint64_t> values) {
  std::set<node_id> all;
  for (const auto v : values) all.insert(node_id(v));
  return all;
}

class members_scene : public testing::Test {
 protected:
  stage& play(size_t nodes, size_t voters) {
    stage_ = std::make_unique<stage>(present(nodes, voters));
    leader_ = stage_->await_leader();
    EXPECT_TRUE(leader_);
    EXPECT_EQ(stage_->write(leader_).code, raft_errc::none);
    return *stage_;
  }
  node_id a_follower() const {
    for (const auto id : stage_->nodes().up())
      if (id != leader_) return id;
    return {};
  }
  raft_errc order(admin_command command, duration patience = 5s) {
    reply_ = stage_->admin(stage_->await_leader(), std::move(command), patience);
    return reply_.code;
  }
  void up_again(node_id id) {
    ASSERT_TRUE(stage_->run_until(
        [&] { return stage_->nodes().start(id), stage_->nodes().is_up(id); }, 5s));
  }
  void restart(node_id id) {
    stage_->nodes().kill(id);
    up_again(id);
  }
  // What `initialize` with the first members answers, nothing while it waits for others.
  std::optional<raft_errc> initialized(node_id id, duration within = 5s) {
    raft handle = stage_->nodes().handle_of(id);
    auto answer = handle.initialize(first_members(stage_->nodes().options()), within);
    const auto ready = [&] { return answer.wait_for(0s) == std::future_status::ready; };
    if (!stage_->run_until(ready, within / 2)) return {};
    return answer.get();
  }
  core::membership members() { return stage_->of(stage_->await_leader()).members; }
  void TearDown() override {
    if (stage_) {
      EXPECT_EQ(stage_->broken(), "");
    }
  }

  std::unique_ptr<stage> stage_;
  node_id leader_;
  admin_reply reply_;
};

}  // namespace troupe::sim
