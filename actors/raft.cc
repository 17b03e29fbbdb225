// Writes, reads, and the end of a node. raft_observe.cc has what is known, raft_admin.cc the rest.
#include "actors/raft.h"

#include "actors/ask.h"
#include "actors/machine.h"
#include "caf/actor_system.hpp"
#include "caf/scoped_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

callback fulfil(std::shared_ptr<std::promise<reply>> promise) {
  return [promise = std::move(promise)](const answer& a) {
    promise->set_value({a.code, a.leader, a.index, std::string(a.result), a.under});
  };
}

outcome_callback fulfil(std::shared_ptr<std::promise<outcome>> promise) {
  return [promise = std::move(promise)](const outcome& o) { promise->set_value(o); };
}

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
  return p.board->why_ended();
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

std::future<reply> raft::read(std::string_view query, read_mode mode, duration deadline) {
  auto promise = std::make_shared<std::promise<reply>>();
  auto future = promise->get_future();
  read(query, fulfil(std::move(promise)), mode, deadline);
  return future;
}

void raft::read(std::string_view query, callback done, read_mode mode, duration deadline) {
  push(*p_, p_->inputs->reads, query, {{}, mode, deadline}, done, {});
}

// A read of nothing: its outcome names a state that reflects all that was acknowledged, at the
// leader. This node has it when it applied as much.
std::future<result<log_index>> raft::ensure_linearizable(duration deadline, read_mode how) {
  auto promise = std::make_shared<std::promise<result<log_index>>>();
  auto future = promise->get_future();
  if (how != read_mode::linearizable && how != read_mode::lease) {
    promise->set_value({raft_errc::invalid, {}});
    return future;
  }
  const auto& clock = p_->system->clock();
  auto on_index = [promise, &clock, until = clock.now() + bounded(deadline),
                   board = p_->board](const outcome& o) {
    if (o.code != raft_errc::none) return promise->set_value({o.code, {}});
    const auto applied = [promise, board, index = o.index](waited end) {
      promise->set_value({code_of(end, *board), index});
    };
    board->when({until::applied_at_least(o.index), until - clock.now(), applied});
  };
  push_whole(*p_, p_->inputs->reads, {{{}, how, deadline}, {}, {}, std::move(on_index), {}});
  return future;
}

namespace {

// A look at the machine: run by it, or given up, never both.
struct look_once {
  std::function<void(const machine&)> look;
  std::promise<raft_errc> promise;
  std::atomic<bool> claimed = false;

  void run(const machine& m) {
    if (claimed.exchange(true)) return;
    try {
      look(m);
      promise.set_value(raft_errc::none);
    } catch (...) {
      promise.set_value(raft_errc::machine_failed);
    }
  }
  void give_up(raft_errc why) {
    if (!claimed.exchange(true)) promise.set_value(why);
  }
};

}  // namespace

std::future<raft_errc> raft::with_state_machine(std::function<void(const machine&)> look,
                                                duration deadline) {
  auto once = std::make_shared<look_once>();
  once->look = std::move(look);
  auto future = once->promise.get_future();
  ask<done>(
      *p_, p_->machine, visit{[once](const machine& m) { once->run(m); }}, deadline,
      [](const done&) {},
      // No answer in time: it is not run any more. CAF's other errors mean that it never was.
      [once](raft_errc why) {
        once->give_up(why == raft_errc::outcome_unknown ? raft_errc::busy : why);
      });
  return future;
}

// -- the end --------------------------------------------------------------------------------------

// The server is linked to machine and store; edge and herald end after all of them.
void raft::stop() { caf::anon_send_exit(p_->server, caf::exit_reason::user_shutdown); }

raft::shared::~shared() { caf::anon_send_exit(server, caf::exit_reason::user_shutdown); }

bool raft::shutdown(duration patience) {
  stop();
  caf::scoped_actor self{*p_->system};
  self->monitor(p_->server);
  self->monitor(p_->machine);
  self->monitor(p_->store);
  self->monitor(p_->edge);
  self->monitor(p_->herald);
  const auto until = std::chrono::steady_clock::now() + bounded(patience);
  size_t left = 5;
  bool late = false;
  while (left > 0 && !late)
    self->receive(
        [&](const caf::down_msg&) { --left; },
        caf::after(bounded(until - std::chrono::steady_clock::now())) >> [&] { late = true; });
  return !late;
}

}  // namespace troupe
