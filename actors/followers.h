// The replicators of one leadership: one for each other member, each in a session of its own.
#pragma once

#include <map>

#include "actors/interfaces.h"
#include "actors/replicator.h"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

class followers {
 public:
  using self_ptr = leader_actor::pointer;

  // `common`: what all replicators are spawned with. Spawned actors are linked to `self`.
  followers(self_ptr self, node_id own, replicator_options common)
      : self_(self), own_(own), common_(std::move(common)) {}

  // What a session begins with: the leader's log as far as it is committed, and the rest of it,
  // which is sent even to who has it, because its acknowledgement may have been lost with an older
  // session.
  struct backlog {
    core::log_view log;
    std::vector<batch_ptr> rest;
    confirm now;  // the round that is under way
  };

  // Ends the sessions with nodes that left or have another address: what they acknowledged does not
  // count from now on. Who stays keeps its session.
  void part(const core::membership& members);
  // Begins a session with each node of `members` that has none.
  void follow(const core::membership& members, const log_id& members_at, const backlog& b,
              const std::map<node_id, peer_actor>& peers);
  // Null for who is not followed by a replicator.
  peer_actor link(node_id id) const;

  // Whether a report belongs to a session that goes on (openraft's replication session): one of a
  // node that was removed and added again does not.
  bool current(node_id from, const core::session& session) const;

  template <class Message>
  void tell(const Message& m) {
    for (auto& [id, f] : all_) self_->send(f.actor, m);
  }

  // Of those that are followed now, and of those to come.
  void configure(const troupe::configure& m) {
    replicator::apply_to(common_, m);
    tell(m);
  }

  size_t size() const { return all_.size(); }
  std::map<node_id, replicator_actor> actors() const;

 private:
  struct follower {
    replicator_actor actor;
    peer_actor link;
    core::session session;
    std::string address;
  };

  void begin(node_id id, const core::member& node, const log_id& members_at, const backlog& b,
             const peer_actor& link);
  void end(const replicator_actor& actor);

  self_ptr self_;
  node_id own_;
  replicator_options common_;
  std::map<node_id, follower> all_;
};

}  // namespace troupe
