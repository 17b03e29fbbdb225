// A simulated cluster that plays a written scene: tests that are named for one rule set it up, say
// what fails when, and look. The real actors, in virtual time, and the judge watches.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "caf/event_based_actor.hpp"
#include "testing/client.h"
#include "testing/cluster.h"
#include "testing/judge.h"

namespace troupe::sim {

// What a request is answered with, once it is.
template <class Reply>
using pending = std::shared_ptr<std::optional<Reply>>;

class stage {
 public:
  // The network is quick and fair. `present`: how many nodes, of which the first `voters` are the
  // first membership.
  explicit stage(cluster_options options, uint64_t seed = 1);
  ~stage();

  cluster& nodes() { return *cluster_; }
  network& net() { return net_; }
  instant now() { return scheduler_.now(); }
  const core::timing& timing() const { return options_.timing; }
  // What must never happen and did; empty in every test.
  const std::string& broken() const { return judge_.failure(); }

  // -- time --
  void run_for(duration d);
  // False when `limit` passed first.
  bool run_until(const std::function<bool()>& done, duration limit);

  // -- what clients and operators do: each from outside, over links that are never cut --
  // `count` commands of so many bytes each, in one message.
  pending<outcome> begin_write(node_id at, size_t bytes = 16, size_t count = 1);
  pending<outcome> begin_read(node_id at, read_mode mode = read_mode::linearizable);
  pending<admin_reply> begin(node_id at, admin_command command,
                             duration patience = std::chrono::seconds(5));
  template <class Message, class Reply>
  pending<Reply> ask(node_id at, Message m, duration deadline);
  // The same, and wait for the answer; outcome_unknown where none comes within `limit`.
  outcome write(node_id at, duration limit = std::chrono::seconds(5));
  outcome read(node_id at, read_mode mode = read_mode::linearizable,
               duration limit = std::chrono::seconds(5));
  admin_reply admin(node_id at, admin_command command, duration patience = std::chrono::seconds(5));
  // Tries all nodes, one after the other, until a write is done; how long it took.
  std::optional<duration> write_somewhere(duration limit);

  // -- what can be seen --
  // The only node that leads and reaches a quorum, 0 when there is none.
  node_id leader();
  node_id await_leader(duration limit = std::chrono::seconds(10));
  // The status of a node, which must be up.
  status of(node_id id);
  // The term of the node's vote.
  uint64_t term_of(node_id id);
  // How many commands the node has applied.
  uint64_t applied_at(node_id id) { return cluster_->machine_of(id).last().position; }

 private:
  void step(instant limit);
  peer_actor door(node_id at);
  outcome wait_for(const pending<outcome>& answer, duration limit);

  cluster_options options_;
  dice chance_;
  judge judge_;
  oracle truth_;
  scheduler scheduler_;
  network net_;
  std::map<node_id, peer_actor> doors_;
  uint64_t requests_ = 0;
  std::unique_ptr<cluster> cluster_;
};

template <class Message, class Reply>
pending<Reply> stage::ask(node_id at, Message m, duration deadline) {
  auto answer = std::make_shared<std::optional<Reply>>();
  scheduler_.system().spawn([=, to = door(at)](caf::event_based_actor* self) {
    self->request(to, deadline, m)
        .then([=](const Reply& r) { *answer = r; },
              [=](const caf::error& e) {
                Reply failed;
                if constexpr (requires { failed.code; })
                  failed.code = code_of(e, raft_errc::outcome_unknown);
                *answer = failed;
              });
  });
  return answer;
}

}  // namespace troupe::sim
