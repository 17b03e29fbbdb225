// What the handle asks of its server: status, members and leadership, switches.
#include "actors/raft.h"
#include "caf/actor_system.hpp"
#include "caf/event_based_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

constexpr auto admin_deadline = std::chrono::seconds(10);

// Asks the server from a small actor of its own, which fulfils the promise: with `told` of the
// reply, or with `failed` of the reason.
template <class Reply, class Result, class Request>
std::future<Result> ask(const raft::parts& p, Request request, Result (*told)(const Reply&),
                        Result (*failed)(raft_errc), duration deadline = admin_deadline) {
  auto promise = std::make_shared<std::promise<Result>>();
  auto future = promise->get_future();
  p.system->spawn([=, server = p.server, board = p.board](caf::event_based_actor* self) {
    self->request(server, deadline, request)
        .then([=](const Reply& r) { promise->set_value(told(r)); },
              [=](const caf::error& e) { promise->set_value(failed(code_of_failure(e, *board))); });
  });
  return future;
}

template <class Request>
std::future<raft_errc> tell(const raft::parts& p, Request request) {
  return ask<done, raft_errc>(
      p, std::move(request), [](const done&) { return raft_errc::none; },
      [](raft_errc why) { return why; });
}

}  // namespace

std::future<result<status>> raft::status() {
  using answer = result<troupe::status>;
  return ask<troupe::status, answer>(
      *p_, status_request{},
      [](const troupe::status& s) {
        return answer{raft_errc::none, s};
      },
      [](raft_errc why) {
        return answer{why, {}};
      });
}

std::future<raft_errc> raft::initialize(core::membership members) {
  return tell(*p_, troupe::initialize{std::move(members)});
}

std::future<admin_reply> raft::order(admin_command command, duration patience) {
  return ask<admin_reply, admin_reply>(
      *p_, admin_request{request_id(p_->id.value << 48), std::move(command), patience},
      [](const admin_reply& r) { return r; },
      [](raft_errc why) {
        return admin_reply{why, {}, {}, std::string(to_string(why))};
      },
      patience + admin_deadline);
}

std::future<raft_errc> raft::enable_elections(bool on) { return tell(*p_, configure{on, {}}); }

std::future<raft_errc> raft::enable_heartbeats(bool on) { return tell(*p_, configure{{}, on}); }

}  // namespace troupe
