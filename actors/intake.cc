#include "actors/intake.h"

namespace troupe {
namespace {

// What each costs besides its bytes. What a closure holds is a guess: a promise and two pointers.
constexpr size_t load_cost = sizeof(intake::load);
constexpr size_t closure_cost = 64;
constexpr size_t item_cost = sizeof(uint32_t) + sizeof(callback) + closure_cost;
constexpr size_t notice_cost = sizeof(std::pair<uint32_t, commit_callback>) + closure_cost;

}  // namespace

size_t intake::cost_of(const load& l) {
  return load_cost + l.items.bytes().size() + l.callbacks.size() * (item_cost - sizeof(uint32_t)) +
         l.on_commit.size() * notice_cost;
}

std::optional<intake::pushed> intake::refuse(size_t payload, size_t cost) const {
  if (closed_) return pushed::closed;
  if (payload > bound) return pushed::too_large;
  // What is too much by its costs alone is taken when nothing else waits.
  if (bytes_ > 0 && bytes_ + cost > bound) return pushed::full;
  return std::nullopt;
}

intake::pushed intake::taken(size_t cost) {
  bytes_ += cost;
  return std::exchange(awake_, true) ? pushed::more : pushed::first;
}

intake::pushed intake::push(std::string_view item, const terms& t, callback&& done,
                            commit_callback&& on_commit) {
  std::lock_guard lock(mutex_);
  const bool joins = !loads_.empty() && !loads_.back().whole && loads_.back().under == t;
  const size_t cost =
      item.size() + item_cost + (on_commit ? notice_cost : 0) + (joins ? 0 : load_cost);
  if (const auto refused = refuse(item.size(), cost)) return *refused;
  if (!joins) loads_.emplace_back().under = t;
  auto& l = loads_.back();
  if (on_commit) l.on_commit.emplace_back(l.items.size(), std::move(on_commit));
  l.items.add(item);
  l.callbacks.push_back(std::move(done));
  return taken(cost);
}

intake::pushed intake::push(load&& one) {
  std::lock_guard lock(mutex_);
  const size_t cost = cost_of(one);
  if (const auto refused = refuse(one.items.bytes().size(), cost)) return *refused;
  loads_.push_back(std::move(one));
  return taken(cost);
}

void intake::rouse() {
  std::lock_guard lock(mutex_);
  awake_ = true;
}

std::optional<intake::load> intake::take() {
  std::lock_guard lock(mutex_);
  awake_ = loads_.size() > 1;
  if (loads_.empty()) return std::nullopt;
  std::optional<load> oldest(std::move(loads_.front()));
  loads_.pop_front();
  oldest->last = loads_.empty();
  bytes_ -= cost_of(*oldest);
  return oldest;
}

std::deque<intake::load> intake::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  return std::exchange(loads_, {});
}

}  // namespace troupe
