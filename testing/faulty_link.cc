#include "testing/faulty_link.h"

#include <memory>

#include "actors/wire.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/check.h"
#include "testing/judge.h"

namespace troupe::sim {
namespace {

using self_ptr = link_actor::stateful_pointer<link_state>;

template <class Request>
constexpr bool may_duplicate =
    std::is_same_v<Request, core::vote_request> || std::is_same_v<Request, core::append_request> ||
    std::is_same_v<Request, core::snapshot_request>;

// The message as the other side decodes it.
template <class T>
T recoded(const T& m) {
  auto out = wire::encode(m);
  wire::received in{std::move(out.header), {}};
  for (const auto* payload : out.payloads) in.payloads.push_back(*payload);
  T copy;
  TROUPE_CHECK(wire::decode(std::move(in), copy), "what was encoded can be decoded");
  return copy;
}

// What the requester may not hear before it is on the replier's disk.
void observe(network& net, node_id from, const core::vote_reply& reply) {
  net.observer().on_vote_reply(from, reply);
}
void observe(network& net, node_id from, const core::append_reply& reply) {
  net.observer().on_append_reply(from, reply);
}
template <class Reply>
void observe(network&, node_id, const Reply&) {}

// On a line, roughly: a header, and what it carries.
constexpr byte_count header(100);
template <class Message>
byte_count size_of(const Message&) {
  return header;
}
template <>
byte_count size_of(const core::append_request& m) {
  byte_count size = header;
  for (const auto& b : m.batches) size += b->size().value;
  return size;
}
template <>
byte_count size_of(const core::snapshot_request& m) {
  return header + m.bytes.size();
}
template <>
byte_count size_of(const propose& m) {
  return header + m.commands.bytes().size();
}
template <>
byte_count size_of(const outcome& m) {
  return header + m.results.bytes().size();
}

// One request on its way there and back.
template <class Request, class Reply>
class journey : public std::enable_shared_from_this<journey<Request, Reply>> {
 public:
  journey(self_ptr self, network* net, endpoint from, node_id to)
      : self_(self),
        net_(*net),
        from_(from),
        to_(to),
        promise_(self->template make_response_promise<Reply>()) {}

  caf::result<Reply> start(const Request& m) {
    auto promise = promise_;
    if (!net_.alive(from_)) return promise;
    const auto arrivals = net_.fate(from_.id, to_, may_duplicate<Request>);
    const auto line = net_.pass(from_.id, to_, size_of(m), now());
    if (arrivals.empty()) lost();
    const auto request = net_.recodes() ? recoded(m) : m;
    for (const auto delay : arrivals)
      after(line + delay, [me = this->shared_from_this(), request] { me->arrive(request); });
    return promise;
  }

 private:
  instant now() const { return self_->clock().now(); }

  void after(duration delay, std::function<void()> what) {
    self_->delayed_send(self_, delay, arrival{std::move(what)});
  }

  void lost() {
    if (net_.tells_unreachable()) finish(make_error(raft_errc::unreachable));
  }

  void arrive(const Request& m) {
    const auto target = net_.current(to_);
    if (!target.server || !net_.connected(from_.id, to_)) return lost();
    const endpoint there{to_, target.incarnation};
    self_->request(target.server, caf::infinite, m)
        .then([me = this->shared_from_this(), there](const Reply& r) { me->go_back(there, r); },
              [me = this->shared_from_this(), there](caf::error& e) { me->go_back(there, e); });
  }

  template <class Answer>
  void go_back(const endpoint& there, const Answer& answer) {
    if (!net_.alive(there)) return lost();
    observe(net_, to_, answer);
    const auto arrivals = net_.fate(to_, from_.id, false);
    const auto line = net_.pass(to_, from_.id, size_of(answer), now());
    if (arrivals.empty()) return lost();
    after(line + arrivals[0], [me = this->shared_from_this(), answer] { me->come_back(answer); });
  }

  void come_back(const caf::error& e) { finish(e); }
  void come_back(const Reply& reply) { finish(net_.recodes() ? recoded(reply) : reply); }

  template <class Answer>
  void finish(const Answer& answer) {
    if (finished_ || !net_.alive(from_) || !net_.connected(to_, from_.id)) return;
    finished_ = true;
    promise_.deliver(answer);
  }

  self_ptr self_;
  network& net_;
  endpoint from_;
  node_id to_;
  caf::typed_response_promise<Reply> promise_;
  bool finished_ = false;
};

template <class Request, class Reply>
auto carry(self_ptr self, network* net, endpoint from, node_id to) {
  return [=](const Request& m) -> caf::result<Reply> {
    return std::make_shared<journey<Request, Reply>>(self, net, from, to)->start(m);
  };
}

}  // namespace

link_actor::behavior_type faulty_link(self_ptr self, network* net, endpoint from, node_id to) {
  return {
      carry<core::vote_request, core::vote_reply>(self, net, from, to),
      carry<core::append_request, core::append_reply>(self, net, from, to),
      carry<propose, outcome>(self, net, from, to),
      carry<read, outcome>(self, net, from, to),
      carry<core::transfer_request, core::transfer_reply>(self, net, from, to),
      carry<admin_request, admin_reply>(self, net, from, to),
      carry<initialize, done>(self, net, from, to),
      carry<hash_log, log_hash>(self, net, from, to),
      carry<status_request, status>(self, net, from, to),
      carry<fetch_request, fetch_reply>(self, net, from, to),
      carry<core::snapshot_request, core::snapshot_reply>(self, net, from, to),
      carry<backup_request, backup_reply>(self, net, from, to),
      [](const arrival& a) { a.happens(); },
  };
}

}  // namespace troupe::sim
