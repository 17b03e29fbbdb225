// The board on which the actors of one node post what they know, for any thread to read without
// asking an actor, and where waits and listeners are left for the herald (herald.h).
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

// How a wait ended.
enum class waited : uint8_t { ok, timed_out, shutting_down };

std::string_view to_string(waited how);

// Judges a state of affairs; must not throw, and is called often.
using condition = std::function<bool(const metrics&)>;

class observed {
 public:
  struct wait {
    condition holds;
    duration patience;  // from the moment that the herald takes it
    absl::AnyInvocable<void(waited)> done;
  };
  // Called with the state of affairs after each change of role, leader or life, and at other times;
  // first with the present one. Two changes in quick succession may be one call.
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
    if (!awake_ && (waited_for_ || !(before == summary(facts_)))) wake(lock);
  }
  // Why the node ends; the first reason stays.
  void fail(raft_errc why, std::string text);

  // -- for any thread ---------------------------------------------------------------------------

  metrics get() const;
  // `done` is called once: by the herald, or right here when the node has ended.
  void when(wait w);
  // Called by the herald only. Dropped when the node has ended.
  void follow(listener l);

  // -- for the herald ---------------------------------------------------------------------------

  struct news {
    metrics facts;
    std::vector<wait> waits;  // new ones
    std::vector<listener> listeners;
  };
  // From now on `rouse` is called, from any thread, when there are news to take; at once if so.
  void attend(std::function<void()> rouse);
  news take();
  // The herald holds no wait any more: posts need not wake it until there is a new one.
  void rest();
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

  mutable std::mutex mutex_;
  metrics facts_;
  bool closed_ = false;
  std::vector<wait> waits_;
  std::vector<listener> listeners_;
  bool waited_for_ = false;
  bool awake_ = true;  // the herald will come; before there is one, nobody need be woken
  std::function<void()> rouse_;
};

}  // namespace troupe
