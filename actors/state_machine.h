// The state_machine actor: hosts the user's machine, applies what is committed, answers queries,
// and tells each client its results.
//
// An exception of the machine ends the node: the command is in the log, so every node meets it, and
// what it left half done nobody knows.
//
// Queries are answered in slices of time, between which the mailbox is served: no crowd of them
// holds up what is committed. One whose asker has given up is not asked.
//
// When the log has grown as core::compaction says, or somebody asks, it reads a snapshot from the
// machine, between batches (snapshot_build.h). A snapshot that is ahead of the machine, at the
// start or because another node sent it, takes the place of its state; commands and queries wait
// meanwhile. Where that one is damaged and the log does not go back to its beginning, the state is
// lost here: the server is told, and gets a snapshot from another node.
//
// A machine that keeps its state over restarts says what it holds: that much of the log is read and
// noted, since a snapshot tells of it, and not applied again.
//
// It takes whole batches in log order. What it is handed beyond a gap, say after a restart, makes
// it read the gap from the log store, one bounded slice at a time.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>

#include "actors/alarm.h"
#include "actors/core/backoff.h"
#include "actors/core/compaction.h"
#include "actors/interfaces.h"
#include "actors/log_join.h"
#include "actors/machine.h"
#include "actors/observed.h"
#include "actors/restorer.h"
#include "actors/snapshot_build.h"

namespace troupe {

struct state_machine_options {
  std::shared_ptr<machine> hosted;
  log_store_actor log;
  snapshot_sink_actor sink;  // empty: no snapshots
  // What is lost, a machine that keeps its state may have.
  log_beginning beginning;
  bool storage_blocks = false;  // see node_options
  core::compaction compaction;
  std::shared_ptr<observed> board = std::make_shared<observed>();
};

// Spawn it detached where the machine blocks.
class state_machine {
 public:
  using self_ptr = state_machine_actor::pointer;

  state_machine(self_ptr self, state_machine_options options);
  ~state_machine() { *stop_restoring_ = true; }

  void on_apply(apply& m);
  void on_query(query& m);
  void on_go_on();
  void on_tick(const tick& t);
  caf::result<done> on_visit(const visit& m);
  caf::result<log_hash> on_hash_log(const hash_log& m);
  applied on_describe() const { return {applied_, committed_}; }
  caf::result<made_snapshot> on_make_snapshot();
  void on_restore_state();
  void on_snapshot_lost(const snapshot_lost& m);
  machine_state on_watch_state();
  void on_build_on() {
    if (const auto build = build_) return build->go_on();
    make_in_time();
  }
  void on_configure(const configure& m) {
    options_.compaction = m.compaction.value_or(options_.compaction);
    make_in_time();
  }

 private:
  // Of the machine. While a snapshot is put into it, it is the restorer's.
  enum class state { usable, restoring, lost };

  // A committed batch at hand, with those who wait for its results.
  struct ready {
    batch_ptr what;
    std::vector<claim> claims;
  };

  void enqueue(const batch_ptr& b, std::vector<claim> claims);
  void advance();
  void report();
  void apply_one(ready next);
  bool apply_new(const batch& b, std::vector<claim>& claims);
  bool apply_commands(const batch& b, std::vector<claim>& claims);
  bool apply_run(log_index first, frames_view commands, frames& results);
  bool apply_unclaimed(log_index first, frames_view commands);
  template <class Call>
  bool guarded(uint32_t wanted, const frames& results, Call call);
  // Whether the machine's state is the one that applied_ tells of, and not a later one.
  bool is_at_applied() const { return applied_ >= held_; }
  void fail(const std::string& why);
  void read_gap();

  // -- snapshots --
  bool usable() const { return state_ == state::usable; }
  void note(const batch& b);
  void make_in_time();
  std::unique_ptr<snapshot_source> begin_source();
  raft_errc begin_to_make();
  void make_later();
  void on_made(raft_errc how);
  void restore_from(const opened_snapshot& o);
  void on_restored(const restored_machine& how, const storage::snapshot_reader& from);
  void go_on_from(const storage::snapshot_meta& meta);
  void on_damaged(const log_id& snapshot, const std::string& why);
  void be(state next, const std::string& why = {});
  void go_on_as(state next, const std::string& why = {});

  void want_answers();
  void answer(const query& q);
  void refuse(const query& q);
  void watch(instant until);

  self_ptr self_;
  state_machine_options options_;
  log_index applied_;
  log_index committed_;
  const log_index held_;  // the machine had it applied when it came
  uint64_t batches_ = 0;  // that were applied, and
  uint64_t commands_ = 0;
  bool reading_ = false;
  bool going_on_ = false;  // go_on is under way
  bool failed_ = false;    // the machine threw: its state is unknown, nothing more is asked of it

  // What a snapshot tells of the log up to applied_.
  log_tail tail_;
  log_id membership_at_;
  std::string membership_;
  uint64_t cluster_ = 0;
  log_index snapshot_;   // the newest ends here
  core::growth since_;   // then
  core::growth before_;  // until the one that is being made
  std::shared_ptr<snapshot_build> build_;
  std::vector<caf::typed_response_promise<made_snapshot>> waiting_for_it_;
  core::backoff make_backoff_{std::chrono::seconds(1), std::chrono::seconds(10)};
  instant not_before_{};  // none is made by itself
  bool wanted_ = false;   // whatever the policy says: the newest is there no more
  state state_ = state::usable;
  bool restore_again_ = false;
  std::optional<std::string> lost_;  // why, until it is usable again
  caf::strong_actor_ptr watcher_;    // of the state
  std::shared_ptr<std::atomic<bool>> stop_restoring_ = std::make_shared<std::atomic<bool>>();

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
