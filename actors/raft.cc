// Writes, reads, and the end of a node. raft_observe.cc has what is known, raft_admin.cc the rest.
#include "actors/raft.h"

#include "actors/machine.h"
#include "caf/actor_system.hpp"
#include "caf/scoped_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

callback fulfil(std::shared_ptr<std::promise<reply>> promise) {
  return [promise = std::move(promise)](const answer& a) {
    promise->set_value({a.code, a.leader, a.index, std::string(a.result)});
  };
}

outcome_callback fulfil(std::shared_ptr<std::promise<outcome>> promise) {
  return [promise = std::move(promise)](const outcome& o) { promise->set_value(o); };
}

constexpr duration read_deadline = std::chrono::seconds(10);

// Wakes the edge where need be; why nothing was taken, if so.
raft_errc settle(const raft::parts& p, intake::pushed how) {
  switch (how) {
    case intake::pushed::first:
      caf::anon_send(p.edge, wake{});
      return raft_errc::none;
    case intake::pushed::more:
      return raft_errc::none;
    case intake::pushed::full:
      return raft_errc::busy;
    case intake::pushed::too_large:
      return raft_errc::too_large;
    case intake::pushed::closed:
      break;
  }
  const auto why = p.board->get().failure;
  return why == raft_errc::none ? raft_errc::shutting_down : why;
}

void push(const raft::parts& p, intake& in, std::string_view item, const intake::terms& under,
          callback& done, commit_callback&& on_commit) {
  const auto why = settle(p, in.push(item, under, std::move(done), std::move(on_commit)));
  if (why != raft_errc::none && done) done({why, {}, {}, {}});
}

void push_whole(const raft::parts& p, intake& in, intake::load load) {
  const auto why = settle(p, in.push(std::move(load)));
  if (why != raft_errc::none) load.whole(outcome{{}, why, {}, {}, {}});
}

}  // namespace

// -- writes ---------------------------------------------------------------------------------------

std::future<reply> raft::write(std::string_view command, write_options how) {
  auto promise = std::make_shared<std::promise<reply>>();
  auto future = promise->get_future();
  write(command, fulfil(std::move(promise)), std::move(how));
  return future;
}

void raft::write(std::string_view command, callback done, write_options how) {
  push(*p_, p_->inputs->writes, command, {how.only_under, read_mode::linearizable, how.deadline},
       done, std::move(how.on_commit));
}

raft_errc raft::write_and_forget(std::string_view command) {
  const write_options as_usual;
  return settle(*p_, p_->inputs->writes.push(
                         command, {{}, read_mode::linearizable, as_usual.deadline}, {}, {}));
}

std::future<outcome> raft::write_many(frames commands, write_options how) {
  auto promise = std::make_shared<std::promise<outcome>>();
  auto future = promise->get_future();
  write_many(std::move(commands), fulfil(std::move(promise)), std::move(how));
  return future;
}

void raft::write_many(frames commands, outcome_callback done, write_options how) {
  intake::load load{{how.only_under, read_mode::linearizable, how.deadline},
                    std::move(commands),
                    {},
                    std::move(done),
                    {}};
  if (how.on_commit) load.on_commit.emplace_back(0, std::move(how.on_commit));
  push_whole(*p_, p_->inputs->writes, std::move(load));
}

std::future<outcome> raft::write_blank(duration deadline) {
  return write_many({}, {.deadline = deadline});
}

// -- reads ----------------------------------------------------------------------------------------

std::future<reply> raft::read(std::string_view query, read_mode mode) {
  auto promise = std::make_shared<std::promise<reply>>();
  auto future = promise->get_future();
  read(query, fulfil(std::move(promise)), mode);
  return future;
}

void raft::read(std::string_view query, callback done, read_mode mode) {
  push(*p_, p_->inputs->reads, query, {{}, mode, read_deadline}, done, {});
}

// A read of nothing: its outcome names a state that reflects all that was acknowledged, at the
// leader. This node has it when it applied as much.
std::future<result<log_index>> raft::ensure_linearizable(duration deadline) {
  auto promise = std::make_shared<std::promise<result<log_index>>>();
  auto future = promise->get_future();
  auto on_index = [promise, deadline, board = p_->board](const outcome& o) {
    if (o.code != raft_errc::none) return promise->set_value({o.code, {}});
    board->when(
        {until::applied_at_least(o.index), deadline, [promise, index = o.index](waited how) {
           const auto code = how == waited::ok          ? raft_errc::none
                             : how == waited::timed_out ? raft_errc::outcome_unknown
                                                        : raft_errc::shutting_down;
           promise->set_value({code, index});
         }});
  };
  intake::load load{{{}, read_mode::linearizable, deadline}, {}, {}, std::move(on_index), {}};
  push_whole(*p_, p_->inputs->reads, std::move(load));
  return future;
}

std::future<raft_errc> raft::with_state_machine(std::function<void(const machine&)> look) {
  // Answers when the actor has ended and CAF drops the message.
  struct ticket {
    std::promise<raft_errc> promise;
    raft_errc code = raft_errc::shutting_down;
    ~ticket() { promise.set_value(code); }
  };
  auto t = std::make_shared<ticket>();
  auto future = t->promise.get_future();
  caf::anon_send(p_->machine, visit{[t, look = std::move(look)](const machine& m) {
                   try {
                     look(m);
                     t->code = raft_errc::none;
                   } catch (...) {
                     t->code = raft_errc::machine_failed;
                   }
                 }});
  return future;
}

// -- the end --------------------------------------------------------------------------------------

// The server is linked to machine and store; edge and herald end after all of them.
void raft::stop() { caf::anon_send_exit(p_->server, caf::exit_reason::user_shutdown); }

raft::shared::~shared() { caf::anon_send_exit(server, caf::exit_reason::user_shutdown); }

void raft::shutdown() {
  stop();
  caf::scoped_actor self{*p_->system};
  self->wait_for(p_->server, p_->machine, p_->store, p_->edge, p_->herald);
}

}  // namespace troupe
