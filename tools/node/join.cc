#include "tools/node/join.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "caf/send.hpp"

namespace troupe::tools {
namespace {

constexpr duration first_wait = std::chrono::milliseconds(50);
// What passes by itself is not worth a line: at first nobody is connected.
constexpr duration silent_at_first = std::chrono::milliseconds(500);
constexpr duration longest_wait = std::chrono::seconds(1);
// Who answers answers long before.
constexpr duration deadline = std::chrono::seconds(15);
// To vote, a node must keep up already when it asks: others may want to change the members, too.
constexpr duration patience = std::chrono::seconds(1);

using kind = core::member_change::kind;

admin_request to_change(node_id id, kind what, const std::string& address) {
  return {request_id(id.value << 48), change_members{{{what, {{id, {address}}}, {}}}, false, {}},
          patience};
}

std::string text_of(const admin_reply& reply) {
  if (reply.code == raft_errc::not_leader && reply.why.empty()) return "no leader is known";
  return reply.why.empty() ? std::string(to_string(reply.code)) : reply.why;
}

}  // namespace

join::join(self_ptr self, join_options options)
    : self_(self),
      options_(std::move(options)),
      began_(self->clock().now()),
      backoff_(first_wait, longest_wait) {
  self_->link_to(options_.server);
  look();
}

template <class Reply, class Target, class Request, class Then>
void join::ask(const Target& whom, Request request, step otherwise, const char* failed, Then then) {
  self_->request(whom, deadline, std::move(request))
      .then([then](const Reply& reply) { then(reply); },
            [this, otherwise, failed](const caf::error&) { again(otherwise, failed); });
}

// -- the steps ------------------------------------------------------------------------------------

// Once its own log says that it is a member, nobody else is needed to know it.
void join::look() {
  ask<status>(options_.server, status_request{}, &join::look, "this node does not answer",
              [this](const status& mine) {
                const bool member = mine.members.contains(options_.id) &&
                                    mine.members.admits(options_.id, options_.incarnation);
                member ? catch_up() : look_at_cluster();
              });
}

void join::look_at_cluster() {
  ask<status>(options_.door, status_request{}, &join::look,
              "no member answers there; is it a node's raft address?",
              [this](const status& cluster) { judge(cluster); });
}

void join::judge(const status& cluster) {
  if (cluster.members.empty()) return again(&join::look, "that node is no member itself yet");
  const auto me = cluster.members.nodes().find(options_.id);
  if (me == cluster.members.nodes().end()) return ask_to_be_added();
  if (!cluster.members.admits(options_.id, options_.incarnation))
    return again(
        &join::look,
        absl::StrCat("the cluster knows node ", options_.id.value, ", at ", me->second.address,
                     ", with another data directory. If that one is lost for good, `ctl "
                     "--node=",
                     options_.door_address, " remove ", options_.id.value,
                     "` lets this node join; else it needs another --id"));
  again(&join::look, "the leader has not sent its log yet");
}

void join::ask_to_be_added() {
  ask<admin_reply>(options_.door, to_change(options_.id, kind::add_nodes, options_.address),
                   &join::look, "the connection was lost", [this](const admin_reply& reply) {
                     on_answer(reply, &join::look, &join::look);
                   });
}

// A follower's read of nothing is answered when this node has applied all that the leader had.
void join::catch_up() {
  ask<outcome>(options_.server, read{request_id(options_.id.value << 48), {}, read_mode::follower},
               &join::catch_up, "this node does not answer", [this](const outcome& o) {
                 if (o.code != raft_errc::none)
                   return again(&join::catch_up, "the leader's log is still coming in");
                 options_.voter ? ask_to_vote() : finish();
               });
}

void join::ask_to_vote() {
  ask<admin_reply>(options_.server, to_change(options_.id, kind::add_voters, ""), &join::catch_up,
                   "this node does not answer", [this](const admin_reply& reply) {
                     on_answer(reply, &join::finish, &join::catch_up);
                   });
}

void join::finish() {
  caf::anon_send_exit(options_.door, caf::exit_reason::user_shutdown);
  options_.on_joined();
  self_->quit();
}

// -- trying again ---------------------------------------------------------------------------------

void join::on_answer(const admin_reply& reply, step next, step otherwise) {
  if (reply.code != raft_errc::none) return again(otherwise, text_of(reply));
  (this->*next)();
}

void join::again(step next, const std::string& why) {
  const bool early = self_->clock().now() < began_ + silent_at_first;
  if (!early && std::exchange(said_, why) != why)
    std::fprintf(stderr, "node %lu: waits to join through %s: %s\n", options_.id.value,
                 options_.door_address.c_str(), why.c_str());
  next_ = next;
  retry_.set(self_, self_->clock().now() + backoff_.next());
}

void join::on_tick(const tick& t) {
  if (retry_.on_tick(self_, t)) (this->*next_)();
}

caf::behavior join_behavior(caf::stateful_actor<join_state>* self, join_options options) {
  self->state.me = std::make_unique<join>(self, std::move(options));
  auto* me = self->state.me.get();
  return {[me](const tick& t) { me->on_tick(t); }};
}

}  // namespace troupe::tools
