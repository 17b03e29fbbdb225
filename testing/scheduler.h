// One actor system whose every step is chosen by a seed: which actor handles its next message, and
// when time moves. No threads and no real time.
//
// CAF's test_coordinator holds the actors that have mail; a step rotates one of them to the front
// and lets it handle one message. Where nobody has mail, time jumps to the next timeout; sometimes
// it does so before, as if an actor were slow.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "caf/scheduler/test_coordinator.hpp"
#include "testing/dice.h"

namespace troupe::sim {

class scheduler {
 public:
  // Everything random is drawn from `chance`, which must outlive this.
  explicit scheduler(dice& chance);
  ~scheduler();
  // Lets every actor that was told to quit do so. Call before the actors' surroundings go.
  void drain();

  caf::actor_system& system() { return *system_; }
  instant now();

  // An actor that stands still while time goes on, as on a disk that does not answer or in a
  // process that was stopped; its mail waits.
  void pause(caf::actor_id actor) { paused_.insert(actor); }
  void resume(caf::actor_id actor) { paused_.erase(actor); }

  // How often time moves although there is mail.
  void set_impatience(double p) { impatience_ = p; }
  // Lets one actor handle one message, or moves time to the next timeout, but never beyond `limit`.
  // The id of the actor; 0 when time moved.
  caf::actor_id step(instant limit);

  // A hash over all steps so far: the actors' names and ids, and the time. Others add what they
  // did.
  uint64_t trace_hash() const { return trace_; }
  void note(uint64_t fact);
  uint64_t steps() const { return steps_; }
  size_t running_actors() const { return system_->registry().running(); }

 private:
  struct config;

  // The positions of the jobs of actors that do not stand still.
  std::vector<size_t> ready() const;
  void move_time(instant limit);
  caf::actor_id run_one();

  dice& chance_;
  std::unique_ptr<config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_;
  std::set<caf::actor_id> paused_;
  double impatience_ = 0;
  uint64_t trace_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace troupe::sim
