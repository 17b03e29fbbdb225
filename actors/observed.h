// The board on which the actors of one node post what they know, for any thread to read without
// asking an actor, and where waits and listeners are left for the herald (herald.h).
//
// Bounded: beyond the bounds below a wait is refused. They count, because nobody knows what a
// closure holds; a wait that holds a kilobyte makes 4 MiB at most.
//
// Thread safe. Posting takes one lock for the time of a few assignments, calls nobody, and wakes
// the herald only where somebody waits or the leader changed.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "actors/metrics.h"

namespace troupe {

// How a wait ended. `busy`: it was not begun, because too many others wait.
enum class waited : uint8_t { ok, timed_out, shutting_down, busy };

std::string_view to_string(waited how);

// Judges a state of affairs; must not throw, and is called often.
using condition = std::function<bool(const metrics&)>;

class observed {
 public:
  static constexpr size_t most_waits = 4096;
  static constexpr size_t most_listeners = 256;

  struct wait {
    condition holds;
    duration patience;  // from the moment that the herald takes it
    absl::AnyInvocable<void(waited)> done;
  };
  // Called with the state of affairs after each change of role, leader or life, and at other times;
  // first with the present one. Two changes in quick succession may be one call. Must not throw.
  using listener = absl::AnyInvocable<void(const metrics&)>;

  explicit observed(node_id id = {}) { facts_.id = id; }

  // -- for the node's actors --------------------------------------------------------------------

  // `change` gets the metrics to change, under the lock. Nothing happens once the node has ended.
  template <class Change>
  void post(Change&& change) {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    const summary before(facts_);
    change(facts_);
    if (!awake_ && (open_ > 0 || !(before == summary(facts_)))) wake(lock);
  }
  // Why the node ends; the first reason stays.
  void fail(raft_errc why, std::string text);

  // -- for any thread ---------------------------------------------------------------------------

  metrics get() const;
  // The node takes nothing any more.
  bool ended() const;
  // Why it is so: what failed, or shutting_down.
  raft_errc why_ended() const;
  // `done` is called once: by the herald, or right here when the node has ended or too many wait.
  // It must not throw.
  void when(wait w);
  // Called by the herald only, until the node has ended. Otherwise nobody is called: `busy` when
  // too many listen, or why the node has ended.
  raft_errc follow(listener l);

  // -- for the herald ---------------------------------------------------------------------------

  struct news {
    metrics facts;
    std::vector<wait> waits;  // new ones
    std::vector<listener> listeners;
  };
  // From now on `rouse` is called, from any thread, when there are news to take; at once if so.
  void attend(std::function<void()> rouse);
  news take();
  // So many waits were answered. Posts wake the herald as long as there are others.
  void answered(size_t count);
  // The node has ended: nothing changes from now on.
  news close();

 private:
  // What listeners want to hear of.
  struct summary {
    explicit summary(const metrics& m) : role(m.role), life(m.life), leader(m.leader) {}
    node_role role;
    node_life life;
    leader_id leader;
    bool operator==(const summary&) const = default;
  };

  void wake(std::unique_lock<std::mutex>& lock);
  news take_locked();
  raft_errc why_ended_locked() const;

  mutable std::mutex mutex_;
  metrics facts_;
  bool closed_ = false;
  std::vector<wait> waits_;
  std::vector<listener> listeners_;
  size_t open_ = 0;       // waits, here and with the herald
  size_t listening_ = 0;  // listeners, the same
  bool awake_ = true;     // the herald will come; before there is one, nobody need be woken
  std::function<void()> rouse_;
};

}  // namespace troupe
