#include "testing/stage.h"

#include <cstdlib>

#include "caf/event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe::sim {
namespace {

// What the actors log: nothing, or all with `--test_env=TROUPE_TRACE=4`.
int wanted_trace() {
  const char* level = std::getenv("TROUPE_TRACE");
  return level == nullptr ? -1 : std::atoi(level);
}

// Clients are no nodes: no cut between nodes is theirs.
constexpr endpoint outside{node_id(1000), 0};

weather calm() {
  weather w;
  w.delay_min = std::chrono::microseconds(100);
  w.delay_max = std::chrono::milliseconds(1);
  return w;
}

}  // namespace

stage::stage(cluster_options options, uint64_t seed)
    : options_(std::move(options)),
      chance_(seed),
      judge_(options_.mode, members_of(options_.nodes), /*harm_only=*/false),
      truth_([this](const std::string& what) { judge_.complain(what); }),
      scheduler_(chance_),
      net_(chance_, judge_) {
  trace::verbosity = wanted_trace();
  net_.set_weather(calm());
  cluster_ = std::make_unique<cluster>(scheduler_, net_, judge_, truth_, chance_, options_);
  for (const auto id : cluster_->ids()) cluster_->start(id);
}

stage::~stage() {
  doors_.clear();
  cluster_.reset();
}

// -- time -----------------------------------------------------------------------------------------

void stage::step(instant limit) { cluster_->observe(scheduler_.step(limit)); }

void stage::run_for(duration d) {
  const auto end = now() + d;
  while (now() < end) step(end);
}

bool stage::run_until(const std::function<bool()>& done, duration limit) {
  const auto end = now() + limit;
  while (!done()) {
    if (now() >= end) return false;
    step(end);
  }
  return true;
}

// -- requests -------------------------------------------------------------------------------------

peer_actor stage::door(node_id at) {
  auto& door = doors_[at];
  if (!door) door = cluster_->link(outside, at);
  return door;
}

pending<outcome> stage::begin_write(node_id at, size_t bytes, size_t count) {
  const auto op = truth_.begin_write(count);
  propose m{request_id(++requests_), {}};
  for (const auto command : truth_.commands_of(op)) m.commands.add(encode_command(command, bytes));
  auto answer = std::make_shared<std::optional<outcome>>();
  scheduler_.system().spawn([this, op, answer, m, to = door(at)](caf::event_based_actor* self) {
    const auto finish = [this, op, answer](const outcome& o) {
      truth_.end(op, o);
      *answer = o;
    };
    self->request(to, std::chrono::seconds(20), m).then(finish, [finish](const caf::error& e) {
      finish(outcome{{}, code_of(e, raft_errc::outcome_unknown), {}, {}, {}});
    });
  });
  return answer;
}

pending<outcome> stage::begin_read(node_id at, read_mode mode) {
  const auto op = truth_.begin_read(mode);
  troupe::read m{request_id(++requests_), {}, mode};
  m.queries.add("list");
  auto answer = std::make_shared<std::optional<outcome>>();
  scheduler_.system().spawn([this, op, answer, m, to = door(at)](caf::event_based_actor* self) {
    const auto finish = [this, op, answer](const outcome& o) {
      truth_.end(op, o);
      *answer = o;
    };
    self->request(to, std::chrono::seconds(20), m).then(finish, [finish](const caf::error& e) {
      finish(outcome{{}, code_of(e, raft_errc::not_leader), {}, {}, {}});
    });
  });
  return answer;
}

pending<admin_reply> stage::begin(node_id at, admin_command command, duration patience) {
  return ask<admin_request, admin_reply>(
      at, admin_request{request_id(++requests_), std::move(command), patience},
      patience + std::chrono::seconds(20));
}

outcome stage::wait_for(const pending<outcome>& answer, duration limit) {
  run_until([&] { return answer->has_value(); }, limit);
  return answer->value_or(outcome{{}, raft_errc::outcome_unknown, {}, {}, {}});
}

outcome stage::write(node_id at, duration limit) { return wait_for(begin_write(at), limit); }

outcome stage::read(node_id at, read_mode mode, duration limit) {
  return wait_for(begin_read(at, mode), limit);
}

admin_reply stage::admin(node_id at, admin_command command, duration patience) {
  const auto answer = begin(at, std::move(command), patience);
  run_until([&] { return answer->has_value(); }, patience + std::chrono::seconds(20));
  return answer->value_or(admin_reply{raft_errc::outcome_unknown, {}, {}, "no answer"});
}

std::optional<duration> stage::write_somewhere(duration limit) {
  const auto begun = now();
  while (now() < begun + limit)
    for (const auto id : cluster_->up()) {
      const auto answer = begin_write(id);
      run_until([&] { return answer->has_value(); }, timing().election_timeout_min);
      if (answer->has_value() && (*answer)->code == raft_errc::none) return now() - begun;
    }
  return std::nullopt;
}

// -- what can be seen -----------------------------------------------------------------------------

node_id stage::leader() {
  node_id found;
  for (const auto id : cluster_->up()) {
    const auto* leading = cluster_->leadership_of(id);
    if (leading == nullptr || !leading->active(now())) continue;
    if (found) return {};
    found = id;
  }
  return found;
}

node_id stage::await_leader(duration limit) {
  run_until([this] { return static_cast<bool>(leader()); }, limit);
  return leader();
}

status stage::of(node_id id) {
  const auto answer = ask<status_request, status>(id, status_request{}, std::chrono::seconds(5));
  run_until([&] { return answer->has_value(); }, std::chrono::seconds(6));
  return answer->value_or(status{});
}

uint64_t stage::term_of(node_id id) { return cluster_->voter_of(id).saved().leader.in.value; }

}  // namespace troupe::sim
