// The state_machine actor: hosts the user's machine, applies what is committed, answers queries,
// and tells each client its results.
//
// An exception of the machine ends the node: the command is in the log, so every node meets it, and
// what it left half done nobody knows.
//
// Queries are answered in slices of time, between which the mailbox is served: no crowd of them
// holds up what is committed. One whose asker has given up is not asked.
//
// It takes whole batches in log order. What it is handed beyond a gap, say after a restart, makes
// it read the gap from the log store, one bounded slice at a time.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "actors/alarm.h"
#include "actors/interfaces.h"
#include "actors/machine.h"
#include "actors/observed.h"

namespace troupe {

struct state_machine_options {
  std::shared_ptr<machine> hosted;
  log_store_actor log;
  std::shared_ptr<observed> board = std::make_shared<observed>();
};

class state_machine {
 public:
  using self_ptr = state_machine_actor::pointer;

  state_machine(self_ptr self, state_machine_options options);

  void on_apply(apply& m);
  void on_query(query& m);
  void on_go_on();
  void on_tick(const tick& t);
  caf::result<done> on_visit(const visit& m);
  caf::result<log_hash> on_hash_log(const hash_log& m);
  applied on_describe() const { return {applied_}; }

 private:
  // A committed batch at hand, with those who wait for its results.
  struct ready {
    batch_ptr what;
    std::vector<claim> claims;
  };

  void enqueue(const batch_ptr& b, std::vector<claim> claims);
  void advance();
  void report();
  void apply_one(ready next);
  bool apply_commands(const batch& b, std::vector<claim>& claims);
  bool apply_run(log_index first, frames_view commands, frames& results);
  bool apply_unclaimed(log_index first, frames_view commands);
  template <class Call>
  bool guarded(uint32_t wanted, const frames& results, Call call);
  void fail(const std::string& why);
  void read_gap();
  void want_answers();
  void answer(const query& q);
  void refuse(const query& q);
  void watch(instant until);

  self_ptr self_;
  state_machine_options options_;
  log_index applied_;
  log_index committed_;
  uint64_t batches_ = 0;  // that were applied, and
  uint64_t commands_ = 0;
  bool reading_ = false;
  bool going_on_ = false;  // go_on is under way
  bool failed_ = false;    // the machine threw: its state is unknown, nothing more is asked of it
  caf::strong_actor_ptr listener_;      // a leader that waits to hear `applied`
  std::map<log_index, ready> waiting_;  // by first index
  byte_count waiting_bytes_;
  std::multimap<log_index, query> queries_;
  size_t queries_bytes_ = 0;
  alarm patience_;  // of the query whose time is over first, at
  instant watched_ = instant::max();
};

struct state_machine_state {
  static inline const char* name = "state_machine";
  std::unique_ptr<state_machine> me;
};

state_machine_actor::behavior_type state_machine_behavior(
    state_machine_actor::stateful_pointer<state_machine_state> self, state_machine_options options);

}  // namespace troupe
