#include "testing/scheduler.h"

#include <algorithm>

#include <xxhash.h>

#include "actors/node.h"
#include "caf/actor_registry.hpp"
#include "caf/local_actor.hpp"
#include "proto/trace.h"

namespace troupe::sim {

struct scheduler::config : caf::actor_system_config {
  config() {
    prepare(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

scheduler::scheduler(dice& chance)
    : chance_(chance),
      config_(std::make_unique<config>()),
      system_(std::make_unique<caf::actor_system>(*config_)),
      coordinator_(&dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())) {
  system_->await_actors_before_shutdown(false);
}

scheduler::~scheduler() { drain(); }

void scheduler::drain() {
  paused_.clear();
  auto& c = *coordinator_;
  // A clock entry holds its receiver, and an actor that ends may make the clock hold another.
  do {
    c.run();
    c.clock().cancel_all();
  } while (c.has_job());
}

instant scheduler::now() { return coordinator_->clock().now(); }

caf::actor_id scheduler::step(instant limit) {
  ++steps_;
  const bool idle = paused_.empty() ? !coordinator_->has_job() : ready().empty();
  if (idle || chance_.chance(impatience_)) {
    move_time(limit);
    return 0;
  }
  return run_one();
}

std::vector<size_t> scheduler::ready() const {
  std::vector<size_t> positions;
  for (size_t i = 0; i < coordinator_->jobs.size(); ++i) {
    const auto* actor = dynamic_cast<const caf::local_actor*>(coordinator_->jobs[i]);
    if (actor == nullptr || !paused_.contains(actor->id())) positions.push_back(i);
  }
  return positions;
}

void scheduler::move_time(instant limit) {
  auto& clock = coordinator_->clock();
  const auto& due = clock.schedule();
  if (due.empty() || due.begin()->first > limit)
    clock.current_time = std::max(clock.current_time, limit);
  else
    clock.trigger_timeout();
  note(static_cast<uint64_t>(clock.current_time.time_since_epoch().count()));
}

caf::actor_id scheduler::run_one() {
  auto& jobs = coordinator_->jobs;
  auto at = chance_.below(paused_.empty() ? jobs.size() : ready().size());
  if (!paused_.empty()) at = ready()[at];
  const auto chosen = jobs.begin() + static_cast<ptrdiff_t>(at);
  std::rotate(jobs.begin(), chosen, chosen + 1);
  const auto* actor = dynamic_cast<const caf::local_actor*>(jobs.front());
  const auto id = actor == nullptr ? caf::actor_id(1) : actor->id();
  const char* name = actor == nullptr ? "?" : actor->name();
  note(id);
  note(XXH3_64bits(name, std::char_traits<char>::length(name)));
  TROUPE_SPAN(trace, "step", name << '#' << id << " t=" << now().time_since_epoch().count() / 1000);
  TROUPE_EVENT(trace) << "runs";
  coordinator_->run_once();
  return id;
}

void scheduler::note(uint64_t fact) {
  trace_ = (trace_ ^ fact) * 0x9e3779b97f4a7c15;
  trace_ ^= trace_ >> 29;
}

}  // namespace troupe::sim
