#include "actors/raft.h"

#include "caf/actor_system.hpp"
#include "caf/event_based_actor.hpp"
#include "caf/scoped_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

constexpr auto admin_deadline = std::chrono::seconds(10);

callback fulfil(std::shared_ptr<std::promise<reply>> promise) {
  return [promise = std::move(promise)](const answer& a) {
    promise->set_value({a.code, a.leader, a.index, std::string(a.result)});
  };
}

void push(const raft::parts& p, intake& in, std::string_view item, callback done) {
  switch (in.push(item, std::move(done))) {
    case intake::pushed::first:
      caf::anon_send(p.edge, wake{});
      break;
    case intake::pushed::more:
      break;
    case intake::pushed::full:
      done({raft_errc::busy, {}, {}, {}});
      break;
    case intake::pushed::too_large:
      done({raft_errc::too_large, {}, {}, {}});
      break;
    case intake::pushed::closed:
      done({raft_errc::shutting_down, {}, {}, {}});
      break;
  }
}

// Asks the server from a small actor of its own, which fulfils the promise.
template <class Reply, class Request, class Result, class Convert>
std::future<Result> ask(const raft::parts& p, Request request, Convert convert, Result failed) {
  auto promise = std::make_shared<std::promise<Result>>();
  auto future = promise->get_future();
  p.system->spawn([=](caf::event_based_actor* self) {
    self->request(p.server, admin_deadline, request)
        .then([=](const Reply& r) { promise->set_value(convert(r)); },
              [=](const caf::error& e) {
                auto result = failed;
                if constexpr (std::is_same_v<Result, raft_errc>) result = code_of(e, failed);
                if constexpr (std::is_same_v<Result, outcome>)
                  result.code = code_of(e, failed.code);
                promise->set_value(result);
              });
  });
  return future;
}

}  // namespace

std::future<reply> raft::write(std::string_view command) {
  auto promise = std::make_shared<std::promise<reply>>();
  auto future = promise->get_future();
  write(command, fulfil(std::move(promise)));
  return future;
}

void raft::write(std::string_view command, callback done) {
  push(*p_, p_->inputs->writes, command, std::move(done));
}

std::future<outcome> raft::write_many(frames commands) {
  outcome unknown;
  unknown.code = raft_errc::outcome_unknown;
  return ask<outcome>(
      *p_, propose{request_id(p_->id.value << 48), std::move(commands)},
      [](const outcome& o) { return o; }, unknown);
}

std::future<reply> raft::read(std::string_view query) {
  auto promise = std::make_shared<std::promise<reply>>();
  auto future = promise->get_future();
  read(query, fulfil(std::move(promise)));
  return future;
}

void raft::read(std::string_view query, callback done) {
  push(*p_, p_->inputs->reads, query, std::move(done));
}

std::future<status> raft::status() {
  return ask<troupe::status>(
      *p_, status_request{}, [](const troupe::status& s) { return s; }, troupe::status{});
}

std::future<raft_errc> raft::initialize(core::membership members) {
  return ask<done>(
      *p_, troupe::initialize{std::move(members)}, [](const done&) { return raft_errc::none; },
      raft_errc::outcome_unknown);
}

void raft::shutdown() {
  caf::scoped_actor self{*p_->system};
  caf::anon_send_exit(p_->server, caf::exit_reason::user_shutdown);
  self->wait_for(p_->server, p_->machine, p_->store);  // the server is linked to both
  caf::anon_send_exit(p_->edge, caf::exit_reason::user_shutdown);
  self->wait_for(p_->edge);
}

}  // namespace troupe
