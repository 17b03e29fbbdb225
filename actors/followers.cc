#include "actors/followers.h"

#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

void followers::part(const core::membership& members) {
  std::erase_if(all_, [&](const auto& entry) {
    const auto node = members.nodes().find(entry.first);
    const bool stays =
        node != members.nodes().end() && node->second.address == entry.second.address;
    if (!stays) end(entry.second.actor);
    return !stays;
  });
}

void followers::follow(const core::membership& members, const log_id& members_at, const backlog& b,
                       const std::map<node_id, peer_actor>& peers) {
  for (const auto& [id, node] : members.nodes()) {
    const auto link = peers.find(id);
    if (id == own_ || all_.contains(id) || link == peers.end()) continue;
    begin(id, node, members_at, b, link->second);
  }
}

void followers::begin(node_id id, const core::member& node, const log_id& members_at,
                      const backlog& b, const peer_actor& link) {
  replicator_options o = common_;
  o.peer = id;
  o.session.membership = members_at;
  o.incarnation = node.incarnation;
  o.log = b.log;
  o.link = link;
  o.leader = self_;
  const auto session = o.session;
  auto actor = self_->spawn<caf::linked>(replicator_behavior, std::move(o));
  for (const auto& batch : b.rest) self_->send(actor, replicate{batch, b.now.committed});
  self_->send(actor, b.now);
  all_.emplace(id, follower{std::move(actor), link, session, node.address});
}

// Its end is not the leader's.
void followers::end(const replicator_actor& actor) {
  self_->unlink_from(actor);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

peer_actor followers::link(node_id id) const {
  const auto it = all_.find(id);
  return it == all_.end() ? peer_actor{} : it->second.link;
}

bool followers::current(node_id from, const core::session& session) const {
  const auto it = all_.find(from);
  return it != all_.end() && it->second.session == session;
}

std::map<node_id, replicator_actor> followers::actors() const {
  std::map<node_id, replicator_actor> actors;
  for (const auto& [id, f] : all_) actors.emplace(id, f.actor);
  return actors;
}

}  // namespace troupe
