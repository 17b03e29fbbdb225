#include "actors/peer_link.h"

#include <set>

#include "actors/tell.h"
#include "caf/actor_system.hpp"
#include "caf/atom.hpp"
#include "caf/io/basp_broker.hpp"
#include "caf/io/middleman.hpp"
#include "caf/io/network/multiplexer.hpp"
#include "caf/io/scribe.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

// What a request that cannot be sent, or whose connection broke, is answered with.
template <class Reply>
struct failure {
  template <class Request>
  static caf::error of(const Request&, raft_errc why) {
    return make_error(why);
  }
};

// A client hears the truth: refused when it was not sent, unknown when it was.
template <>
struct failure<outcome> {
  template <class Request>
  static outcome of(const Request& m, raft_errc why) {
    const bool sent = why == raft_errc::outcome_unknown;
    return {m.id, sent || why == raft_errc::busy ? why : raft_errc::not_leader, {}, {}, {}};
  }
};

template <>
struct failure<admin_reply> {
  template <class Request>
  static admin_reply of(const Request&, raft_errc why) {
    const bool sent = why == raft_errc::outcome_unknown;
    return {sent ? why : raft_errc::not_leader, {}, {}, sent ? "the connection was lost" : ""};
  }
};

// Of a message without payload, generously.
constexpr byte_count small(256);

byte_count size_of(const core::append_request& m) {
  byte_count size = small;
  for (const auto& b : m.batches) size += b->size().value;
  return size;
}

}  // namespace

peer_link::peer_link(self_ptr self, peer_link_options options)
    : self_(self),
      options_(std::move(options)),
      random_(options_.seed),
      backoff_(options_.backoff_min, options_.backoff_max) {
  self_->set_down_handler([this](caf::down_msg& m) { on_down(m); });
  self_->monitor(options_.owner);
  connect();
}

peer_link::~peer_link() {
  for (auto& [ticket, f] : flights_) f.fail(raft_errc::outcome_unknown);
}

std::string peer_link::name() const {
  const auto id = options_.peer ? "n" + std::to_string(options_.peer.value) + " at " : "";
  return id + options_.address;
}

// -- connecting -----------------------------------------------------------------------------------

void peer_link::connect() {
  const auto to = parse_endpoint(options_.address);
  if (!to) return retry("not a host:port: " + options_.address);
  self_
      ->request(self_->spawn<caf::detached>(dialer), caf::infinite,
                dial_request{*to, options_.timing.rpc_timeout()})
      .then(
          [this](const dialed& d) {
            if (d.socket)
              greet(d.socket->take());
            else
              retry(d.why);
          },
          [this](const caf::error&) { retry("the dialer ended"); });
}

// The socket goes to CAF's BASP broker, which shakes hands on it: what middleman::connect does
// after connecting.
void peer_link::greet(int fd) {
  auto& middleman = self_->system().middleman();
  auto broker = middleman.named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  auto scribe = middleman.backend().new_scribe(fd);
  self_
      ->request(broker, options_.timing.rpc_timeout(), caf::connect_atom_v, std::move(scribe),
                uint16_t{0})
      .then([this](caf::node_id&, caf::strong_actor_ptr& remote,
                   std::set<std::string>& interface) { on_connected(remote, interface); },
            [this](const caf::error&) { retry("no handshake in time"); });
}

void peer_link::on_connected(const caf::strong_actor_ptr& remote,
                             const std::set<std::string>& interface) {
  if (!remote) return retry("nobody is published there");
  auto& system = self_->system();
  if (!system.assignable(interface, system.message_types<first_peer_actor>()))
    return retry("what is published there is not a Troupe server of a known version");
  fetches_ = system.assignable(interface, system.message_types<fetching_actor>());
  installs_ = system.assignable(interface, system.message_types<installing_actor>());
  backs_up_ = system.assignable(interface, system.message_types<backing_actor>());
  TROUPE_EVENT(info) << "connected to " << name();
  remote_ = caf::actor_cast<peer_actor>(remote);
  // For a proxy that is dead already, this fires at once.
  self_->monitor(remote_);
  backoff_.reset();
  last_failure_.clear();
}

void peer_link::on_down(const caf::down_msg& m) {
  if (m.source == options_.owner.address()) {
    self_->quit();
    return;
  }
  if (!remote_ || m.source != remote_.address()) return;
  remote_ = nullptr;
  for (auto& [ticket, f] : std::exchange(flights_, {})) f.fail(raft_errc::outcome_unknown);
  unanswered_ = byte_count(0);
  retry("the connection was lost");
}

void peer_link::retry(const std::string& why) {
  if (why != last_failure_) TROUPE_EVENT(warn) << "no connection to " << name() << ": " << why;
  last_failure_ = why;
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  const auto wait = std::chrono::duration_cast<duration>(backoff_.next() * jitter(random_));
  retry_.set(self_, self_->clock().now() + wait);
}

void peer_link::on_tick(const tick& t) {
  if (retry_.on_tick(self_, t)) connect();
}

// -- passing on -----------------------------------------------------------------------------------

duration peer_link::append_deadline(const core::append_request& m) const {
  if (m.batches.empty()) return rpc_deadline();
  return options_.timing.rpc_timeout(unanswered_ + size_of(m).value);
}

bool peer_link::land(uint64_t ticket) {
  const auto it = flights_.find(ticket);
  if (it == flights_.end()) return false;
  unanswered_ = unanswered_ - it->second.size.value;
  flights_.erase(it);
  return true;
}

template <class Reply, class Request>
caf::result<Reply> peer_link::relay(const Request& m, byte_count size, duration deadline) {
  if (!remote_) return failure<Reply>::of(m, raft_errc::unreachable);
  if (unanswered_ + size.value > options_.unanswered && !flights_.empty())
    return failure<Reply>::of(m, raft_errc::busy);
  caf::strong_actor_ptr curious;
  if constexpr (std::is_same_v<Request, propose>)
    if (m.notify_commit) curious = self_->current_sender();  // the promise takes it away
  auto promise = self_->make_response_promise<Reply>();
  const auto ticket = ++tickets_;
  // Only what names the request is kept for the failure, not its payload.
  Request named;
  request_id id;
  if constexpr (requires { named.id = m.id; }) named.id = id = m.id;
  auto fail = [promise, named](raft_errc why) mutable {
    promise.deliver(failure<Reply>::of(named, why));
  };
  flights_.emplace(ticket, flight{size, fail, id, std::move(curious)});
  unanswered_ += size.value;
  self_->request(remote_, deadline, m)
      .then(
          [this, ticket, promise](Reply& reply) mutable {
            if (land(ticket)) promise.deliver(std::move(reply));
          },
          [this, ticket, promise, fail](caf::error& e) mutable {
            if (!land(ticket)) return;
            if constexpr (std::is_same_v<Reply, outcome> || std::is_same_v<Reply, admin_reply>)
              fail(raft_errc::outcome_unknown);
            else
              promise.deliver(std::move(e));
          });
  return promise;
}

// To an older node the bytes of this message would be no message, and the end of the connection.
caf::result<fetch_reply> peer_link::on_fetch_request(const fetch_request& m) {
  if (!fetches_) return make_error(raft_errc::unreachable);
  return relay<fetch_reply>(m, small, fetch_deadline());
}

caf::result<backup_reply> peer_link::on_backup_request(const backup_request& m) {
  if (!backs_up_) return make_error(raft_errc::unreachable);
  return relay<backup_reply>(m, small, fetch_deadline());
}

// The last one is answered when all of the snapshot was looked at.
caf::result<core::snapshot_reply> peer_link::on_snapshot_request(const core::snapshot_request& m) {
  if (!installs_) return make_error(raft_errc::unreachable);
  const auto size = small + m.bytes.size();
  const auto deadline = m.offset < m.snapshot.size
                            ? options_.timing.rpc_timeout(unanswered_ + size.value)
                            : core::time_to_install(options_.timing, m.snapshot.size);
  return relay<core::snapshot_reply>(m, size, deadline);
}

void peer_link::on_committed(const committed& m) {
  for (const auto& [ticket, f] : flights_)
    if (f.id == m.id) tell(self_, f.proposer, m);
}

peer_link_actor::behavior_type peer_link_behavior(
    peer_link_actor::stateful_pointer<peer_link_state> self, peer_link_options options) {
  self->state.me = std::make_unique<peer_link>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const core::vote_request& m) {
        return me->relay<core::vote_reply>(m, small, me->rpc_deadline());
      },
      [me](const core::append_request& m) {
        return me->relay<core::append_reply>(m, size_of(m), me->append_deadline(m));
      },
      [me](const propose& m) {
        return me->relay<outcome>(m, byte_count(m.commands.bytes().size()), m.patience);
      },
      [me](const read& m) {
        return me->relay<outcome>(m, byte_count(m.queries.bytes().size()), m.patience);
      },
      [me](const core::transfer_request& m) {
        return me->relay<core::transfer_reply>(m, small, me->rpc_deadline());
      },
      [me](const admin_request& m) {
        return me->relay<admin_reply>(m, small, m.patience + me->client_deadline());
      },
      [me](const initialize& m) { return me->relay<done>(m, small, me->client_deadline()); },
      [me](const hash_log& m) { return me->relay<log_hash>(m, small, me->client_deadline()); },
      [me](const status_request& m) { return me->relay<status>(m, small, me->client_deadline()); },
      [me](const fetch_request& m) { return me->on_fetch_request(m); },
      [me](const core::snapshot_request& m) { return me->on_snapshot_request(m); },
      [me](const backup_request& m) { return me->on_backup_request(m); },
      [me](const committed& m) { me->on_committed(m); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
