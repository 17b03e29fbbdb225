#include "actors/observed.h"

#include <utility>

namespace troupe {

std::string_view to_string(waited how) {
  switch (how) {
    case waited::ok:
      return "ok";
    case waited::timed_out:
      return "timed out";
    case waited::shutting_down:
      return "shutting down";
    case waited::busy:
      return "busy";
  }
  return "unknown";
}

void observed::fail(raft_errc why, std::string text) {
  post([&](metrics& m) {
    if (m.failure != raft_errc::none) return;
    m.life = node_life::failed;
    m.failure = why;
    m.failure_text = std::move(text);
  });
}

metrics observed::get() const {
  std::lock_guard lock(mutex_);
  return facts_;
}

bool observed::ended() const {
  const auto life = get().life;
  return life != node_life::starting && life != node_life::running;
}

raft_errc observed::why_ended() const {
  std::lock_guard lock(mutex_);
  return why_ended_locked();
}

raft_errc observed::why_ended_locked() const {
  return facts_.failure == raft_errc::none ? raft_errc::shutting_down : facts_.failure;
}

void observed::when(wait w) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    const auto facts = facts_;
    lock.unlock();
    w.done(w.holds(facts) ? waited::ok : waited::shutting_down);
    return;
  }
  if (open_ == most_waits) {
    lock.unlock();
    w.done(waited::busy);
    return;
  }
  waits_.push_back(std::move(w));
  ++open_;
  if (!awake_) wake(lock);
}

raft_errc observed::follow(listener l) {
  std::unique_lock lock(mutex_);
  if (closed_) return why_ended_locked();
  if (listening_ == most_listeners) return raft_errc::busy;
  listeners_.push_back(std::move(l));
  ++listening_;
  if (!awake_) wake(lock);
  return raft_errc::none;
}

void observed::attend(std::function<void()> rouse) {
  std::unique_lock lock(mutex_);
  rouse_ = std::move(rouse);
  wake(lock);
}

// Calls with the lock released: the herald may be anything.
void observed::wake(std::unique_lock<std::mutex>& lock) {
  awake_ = true;
  const auto rouse = rouse_;
  lock.unlock();
  if (rouse) rouse();
}

observed::news observed::take_locked() {
  return {facts_, std::exchange(waits_, {}), std::exchange(listeners_, {})};
}

observed::news observed::take() {
  std::lock_guard lock(mutex_);
  awake_ = false;
  return take_locked();
}

void observed::answered(size_t count) {
  std::lock_guard lock(mutex_);
  open_ -= count;
}

observed::news observed::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  awake_ = true;
  rouse_ = nullptr;
  if (facts_.life != node_life::failed) facts_.life = node_life::stopped;
  if (facts_.role == node_role::leader) facts_.role = node_role::follower;
  facts_.leader = {};
  facts_.quorum_acked.reset();
  facts_.replication.clear();
  return take_locked();
}

}  // namespace troupe
