#include "tools/node/gateway.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "caf/actor_system.hpp"
#include "caf/io/broker.hpp"
#include "caf/io/middleman.hpp"
#include "caf/scoped_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"
#include "tools/node/status_json.h"
#include "tools/resp/budget.h"
#include "tools/resp/session.h"

namespace troupe::tools {
namespace {

using caf::io::broker;
using caf::io::connection_handle;

using drain_atom = caf::atom_constant<caf::atom("drain")>;
using room_atom = caf::atom_constant<caf::atom("room")>;    // the budget has some
using look_atom = caf::atom_constant<caf::atom("look")>;    // whether the client takes anything
using later_atom = caf::atom_constant<caf::atom("later")>;  // in a later round of CAF's loop

constexpr size_t read_size = 64 << 10;
// CAF keeps for each connection a buffer as large as what was written at once.
constexpr size_t write_size = 256 << 10;

struct connection_options {
  server_actor server;
  duration deadline;
  node_id node;
  std::string machine;
  std::shared_ptr<resp::budget> answers;
  uint64_t number = 0;
  caf::actor_addr gateway;
};

resp::failure failure_of(raft_errc code) {
  switch (code) {
    case raft_errc::busy:
      return resp::failure::busy;
    case raft_errc::too_large:
    case raft_errc::invalid:
      return resp::failure::malformed;
    case raft_errc::storage_failed:
    case raft_errc::read_only:
      return resp::failure::read_only;
    case raft_errc::dropped:
    case raft_errc::outcome_unknown:
      return resp::failure::unknown;
    default:
      return resp::failure::no_leader;
  }
}

// Where the usual text of the failure would tell less than is known.
std::string_view detail_of(raft_errc code) {
  if (code != raft_errc::quorum_lost) return {};
  return "the leader does not reach a quorum of the voters; nothing happened, try again";
}

read_mode mode_of(resp::read_mode mode) {
  switch (mode) {
    case resp::read_mode::lease:
      return read_mode::lease;
    case resp::read_mode::follower:
      return read_mode::follower;
    case resp::read_mode::stale:
      return read_mode::stale;
    default:
      return read_mode::linearizable;
  }
}

frames one(const std::string& reply) {
  frames f;
  f.add(reply);
  return f;
}

std::string bulk(const std::string& text) {
  return absl::StrCat("$", text.size(), "\r\n", text, "\r\n");
}

class connection {
 public:
  connection(broker* self, connection_handle handle, connection_options options)
      : self_(self),
        handle_(handle),
        options_(std::move(options)),
        session_(options_.number, {}, *options_.answers,
                 [self] { caf::anon_send(caf::actor_cast<caf::actor>(self), room_atom::value); }) {
    self_->configure_read(handle_, caf::io::receive_policy::at_most(read_size));
    self_->ack_writes(handle_, true);
  }

  void on_data(const caf::io::new_data_msg& m) {
    session_.on_bytes({reinterpret_cast<const char*>(m.buf.data()), m.buf.size()});
    turn();
  }

  void on_drain() {
    session_.close();
    turn();
  }

  void on_written(const caf::io::data_transferred_msg& m) {
    if (m.remaining != 0) return;
    ++pieces_;
    unsent_.remove_prefix(std::min(unsent_.size(), write_size));
    if (unsent_.empty()) {
      std::string().swap(sending_);
      session_.on_sent();
    } else {
      write_piece();
    }
    turn();
  }

  // What was asked is waited for, because the budget counts it.
  void on_closed() {
    gone_ = true;
    alive_ = caf::actor_cast<caf::strong_actor_ptr>(self_);
    turn();
  }

  // Whoever takes nothing, while others wait for what he holds, is hung up on.
  void on_look() {
    looking_ = false;
    if (gone_ || unsent_.empty()) return;
    if (pieces_ == pieces_then_ && options_.answers->crowded()) return end_later();
    look_later();
  }

  // Issues what may be issued, writes what is ready, and reads on or not.
  void turn() {
    if (gone_) {
      if (asked_ == 0) end_later();
      return;
    }
    if (unsent_.empty() && session_.has_output()) write(session_.take_output());
    for (auto& a : session_.take_actions()) issue(a);
    if (session_.finished() && !session_.has_output() && unsent_.empty()) {
      end_later();
      return;
    }
    read_on_or_not();
  }

  // CAF carries out `halt` and `trigger` at the end of a round of its loop, and forgets the second
  // of two in one round: the socket would never be read again. A message to the gateway and back
  // takes longer than a round.
  void read_on_or_not() {
    const bool want = session_.wants_input();
    if (changing_ || want == reading_) return;
    const auto gateway = caf::actor_cast<caf::actor>(options_.gateway);
    if (!gateway) return;  // this one ends, too
    want ? self_->trigger(handle_) : self_->halt(handle_);
    reading_ = want;
    changing_ = true;
    self_->send(gateway, later_atom::value);
  }

  void on_later() {
    changing_ = false;
    turn();
  }

  void write(std::string bytes) {
    sending_ = std::move(bytes);
    unsent_ = sending_;
    write_piece();
    if (sending_.size() > resp::budget::free_bytes && !looking_) look_later();
  }

  void write_piece() {
    self_->write(handle_, std::min(unsent_.size(), write_size), unsent_.data());
    self_->flush(handle_);
  }

  void look_later() {
    looking_ = true;
    pieces_then_ = pieces_;
    self_->delayed_send(self_, options_.deadline, look_atom::value);
  }

  void issue(resp::action& a) {
    ++asked_;
    switch (a.what) {
      case resp::action::kind::propose:
        return ask(a.id, propose{next_id(), std::move(a.commands)});
      case resp::action::kind::read:
        return ask(a.id, read{next_id(), std::move(a.commands), mode_of(a.mode), 0,
                              options_.deadline, byte_count(a.most)});
      case resp::action::kind::admin:
        return issue_admin(a);
    }
  }

  template <class Message>
  void ask(resp::ticket id, Message message) {
    self_->request(options_.server, options_.deadline, std::move(message))
        .then(
            [this, id](const outcome& o) {
              if (o.code == raft_errc::none)
                session_.on_results(id, o.results);
              else
                session_.on_failure(id, failure_of(o.code), detail_of(o.code));
              on_answer();
            },
            [this, id](const caf::error& e) { fail(id, e); });
  }

  void issue_admin(const resp::action& a) {
    if (a.admin == resp::admin_request::log_hash) {
      self_->request(options_.server, options_.deadline, hash_log{log_index(a.argument)})
          .then(
              [this, id = a.id](const log_hash& h) {
                const auto reply =
                    h.hash ? bulk(absl::StrCat(absl::Hex(*h.hash, absl::kZeroPad16))) : "$-1\r\n";
                session_.on_results(id, one(reply));
                on_answer();
              },
              [this, id = a.id](const caf::error& e) { fail(id, e); });
      return;
    }
    const bool members = a.admin == resp::admin_request::members;
    self_->request(options_.server, options_.deadline, status_request{})
        .then(
            [this, id = a.id, members](const status& s) {
              session_.on_results(
                  id, one(bulk(members ? members_json(s) : status_json(s, options_.machine))));
              on_answer();
            },
            [this, id = a.id](const caf::error& e) { fail(id, e); });
  }

  // No actor took it: it did not happen. No answer in time: nobody knows.
  void fail(resp::ticket id, const caf::error& e) {
    const bool refused = e == caf::sec::request_receiver_down;
    session_.on_failure(id, refused ? resp::failure::no_leader : resp::failure::unknown);
    on_answer();
  }

  void on_answer() {
    --asked_;
    turn();
  }

  // Not at once: a broker that quits while it handles an event of its socket is destroyed in the
  // middle of it, because only the socket holds on to it.
  void end_later() {
    if (!std::exchange(ending_, true)) self_->send(self_, caf::close_atom_v);
  }

  request_id next_id() {
    return request_id(options_.node.value << 48 | (options_.number & 0xffffff) << 24 |
                      (++requests_ & 0xffffff));
  }

  broker* self_;
  connection_handle handle_;
  connection_options options_;
  resp::session session_;
  uint64_t requests_ = 0;
  size_t asked_ = 0;  // of the node, and not answered
  std::string sending_;
  std::string_view unsent_;   // of it
  uint64_t pieces_ = 0;       // sent so far, and
  uint64_t pieces_then_ = 0;  // when it was looked last
  bool looking_ = false;      // look_atom is under way
  bool reading_ = true;
  bool changing_ = false;        // that was changed in this round of the loop
  bool gone_ = false;            // the client
  caf::strong_actor_ptr alive_;  // without a socket, nobody else holds on to it
  bool ending_ = false;
};

struct connection_state {
  static inline const char* name = "redis_connection";
  std::unique_ptr<connection> me;
};

caf::behavior connection_behavior(caf::stateful_actor<connection_state, broker>* self,
                                  connection_handle handle, const connection_options& options) {
  self->state.me = std::make_unique<connection>(self, handle, options);
  auto* me = self->state.me.get();
  return {
      [me](const caf::io::new_data_msg& m) { me->on_data(m); },
      [me](const caf::io::data_transferred_msg& m) { me->on_written(m); },
      [me](drain_atom) { me->on_drain(); },
      [me](room_atom) { me->turn(); },
      [me](look_atom) { me->on_look(); },
      [me](later_atom) { me->on_later(); },
      [self](caf::close_atom) { self->quit(); },
      [me](const caf::io::connection_closed_msg&) { me->on_closed(); },
  };
}

struct gateway_state {
  static inline const char* name = "redis_gateway";
  uint64_t accepted = 0;
  std::shared_ptr<resp::budget> answers;  // the connections may end later
  std::set<caf::actor_addr> open;
  bool draining = false;
};

using gateway_broker = caf::stateful_actor<gateway_state, broker>;

void refuse(gateway_broker* self, connection_handle handle) {
  const std::string_view text = "-ERR max number of clients reached\r\n";
  self->write(handle, text.size(), text.data());
  self->flush(handle);
  self->close(handle);
}

void begin_to_drain(gateway_broker* self, caf::io::accept_handle door) {
  self->state.draining = true;
  self->close(door);
  for (const auto& address : self->state.open)
    if (const auto c = caf::actor_cast<caf::actor>(address)) self->send(c, drain_atom::value);
  if (self->state.open.empty()) self->quit();
}

void on_closed(gateway_broker* self, const caf::actor_addr& connection) {
  self->state.open.erase(connection);
  if (self->state.draining && self->state.open.empty()) self->quit();
}

caf::behavior gateway_behavior(gateway_broker* self, const server_actor& server, node_id node,
                               const gateway_options& options, caf::io::doorman_ptr doorman) {
  self->state.answers = std::make_shared<resp::budget>(options.answer_bytes);
  // Without its node there is nothing to serve; the connections end with the gateway.
  self->link_to(server);
  self->set_exit_handler([self, server = server.address()](const caf::exit_msg& m) {
    if (m.source == server)
      self->quit(m.reason);
    else
      on_closed(self, m.source);
  });
  const auto door = doorman->hdl();
  self->add_doorman(std::move(doorman));
  return {
      [=](const caf::io::new_connection_msg& m) {
        if (self->state.draining) {
          self->close(m.handle);
          return;
        }
        if (self->state.open.size() >= options.max_connections) return refuse(self, m.handle);
        auto c = self->fork(
            connection_behavior, m.handle,
            connection_options{server, options.deadline, node, options.machine, self->state.answers,
                               ++self->state.accepted, self->address()});
        self->state.open.insert(c.address());
        self->link_to(c);
      },
      [](later_atom) { return later_atom::value; },
      [=](drain_atom) { begin_to_drain(self, door); },
      [=](const caf::io::acceptor_closed_msg&) {
        if (!self->state.draining) self->quit(caf::exit_reason::unknown);
      },
  };
}

}  // namespace

absl::StatusOr<caf::actor> serve_redis(caf::actor_system& system, const raft& node,
                                       const gateway_options& options) {
  // The doorman is opened here, so that a port in use is known before the node says that it is
  // ready.
  auto doorman =
      system.middleman().backend().new_tcp_doorman(options.at.port, options.at.host.c_str(), true);
  if (!doorman)
    return absl::UnavailableError(
        absl::StrCat(options.at.host, ":", options.at.port,
                     ": cannot listen: ", system.render(doorman.error())));
  return system.middleman().spawn_broker(gateway_behavior, node.server(), node.id(), options,
                                         std::move(*doorman));
}

void drain(caf::actor_system& system, const caf::actor& gateway, duration patience) {
  caf::scoped_actor self{system};
  self->monitor(gateway);
  self->send(gateway, drain_atom::value);
  self->receive([](const caf::down_msg&) {}, caf::after(patience) >> [] {});
}

}  // namespace troupe::tools
