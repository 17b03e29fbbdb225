// Rules of the leader actor, with a server, a log store and peers of the test's own: in virtual
// time.
#include "actors/leader.h"

#include <deque>

#include <gtest/gtest.h>

#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

// All is durable at once.
caf::behavior store(caf::event_based_actor*) {
  return {[](const append& m) { return flushed{m.batches.back()->last()}; }};
}

// Applies nothing.
caf::behavior idle_machine(caf::event_based_actor*) {
  return {[](const apply&) {}};
}

// Answers the oldest of those who adopt a membership when it is told to.
caf::behavior server(caf::event_based_actor* self) {
  const auto adopting = std::make_shared<std::deque<caf::response_promise>>();
  return {
      [=](const adopt&) { return adopting->emplace_back(self->make_response_promise()); },
      [=](const peer_handles& all) {
        adopting->front().deliver(all);
        adopting->pop_front();
      },
      [](const led&) {},
  };
}

// Never answers.
caf::behavior peer(caf::event_based_actor* self, std::shared_ptr<size_t> appends) {
  return {[=](const core::append_request&) {
    ++*appends;
    return self->make_response_promise();
  }};
}

// Node 1, which is all of its cluster, leads.
class leader_test : public virtual_raft_test {
 protected:
  leader_test() {
    const log_id first{{}, log_index(1)};
    leader_options o;
    o.id = node_id(1);
    o.elected = {{term(1), node_id(1)}, true};
    o.members = members_of({1});
    o.membership_at = first;
    o.tail = {first, 0};
    o.log = core::log_view({}, {{log_index(1), {}}}, log_index(1));
    o.store = caf::actor_cast<log_store_actor>(spawn(store));
    o.machine = caf::actor_cast<state_machine_actor>(spawn(idle_machine));
    server_ = spawn(server);
    o.server = caf::actor_cast<server_actor>(server_);
    leader_ = system_.spawn(leader_behavior, std::move(o));
    run();
  }
  ~leader_test() override {
    caf::anon_send_exit(leader_, caf::exit_reason::kill);
    for (const auto& a : others_) caf::anon_send_exit(a, caf::exit_reason::kill);
  }

  template <class... Args>
  caf::actor spawn(Args... args) {
    return others_.emplace_back(system_.spawn(args...));
  }
  raft_errc order(core::member_change::kind what, node_id id, const std::string& address) {
    change_members c;
    c.changes.push_back({what, {{id, {address, 0, 0}}}, {}});
    raft_errc heard = raft_errc::outcome_unknown;
    system_.spawn([&](caf::event_based_actor* self) {
      self->request(leader_, caf::infinite, admin_request{{}, c})
          .then([&](const admin_reply& r) { heard = r.code; },
                [self](const caf::error& e) { ADD_FAILURE() << self->system().render(e); });
    });
    run();
    return heard;
  }
  // The server answers the oldest membership that waits with this peer.
  void adopted(node_id id, const caf::actor& peer) {
    peer_handles all;
    all.peers.emplace(id, caf::actor_cast<caf::strong_actor_ptr>(peer));
    caf::anon_send(server_, std::move(all));
    run();
  }

  std::vector<caf::actor> others_;
  caf::actor server_;
  leader_actor leader_;
};

// The address of a node changes before the server has answered with a link to the old one.
TEST_F(leader_test, links_of_a_membership_that_another_one_followed_are_not_used) {
  using kind = core::member_change::kind;
  const node_id two(2);
  const auto at_old = std::make_shared<size_t>(0), at_new = std::make_shared<size_t>(0);
  ASSERT_EQ(order(kind::add_nodes, two, "old"), raft_errc::none);
  ASSERT_EQ(order(kind::set_nodes, two, "new"), raft_errc::none);
  adopted(two, spawn(peer, at_old));
  adopted(two, spawn(peer, at_new));
  EXPECT_EQ(*at_old, 0u);
  EXPECT_GT(*at_new, 0u);
}

}  // namespace
}  // namespace troupe
