#include "actors/intake.h"

namespace troupe {
namespace {

// What may wait in one intake. Also the most that one proposal holds.
constexpr size_t intake_bound = 32 << 20;
// What a load of few bytes costs nevertheless.
constexpr size_t load_cost = 256;

}  // namespace

std::optional<intake::pushed> intake::refuse(size_t bytes) const {
  if (closed_) return pushed::closed;
  if (bytes > intake_bound) return pushed::too_large;
  if (bytes_ + bytes > intake_bound) return pushed::full;
  return std::nullopt;
}

intake::pushed intake::taken(size_t bytes) {
  bytes_ += bytes;
  return std::exchange(awake_, true) ? pushed::more : pushed::first;
}

intake::pushed intake::push(std::string_view item, const terms& t, callback&& done,
                            commit_callback&& on_commit) {
  std::lock_guard lock(mutex_);
  if (const auto refused = refuse(item.size())) return *refused;
  const bool joins = !loads_.empty() && !loads_.back().whole && loads_.back().under == t;
  if (!joins) loads_.emplace_back().under = t;
  auto& l = loads_.back();
  if (on_commit) l.on_commit.emplace_back(l.items.size(), std::move(on_commit));
  l.items.add(item);
  l.callbacks.push_back(std::move(done));
  return taken(item.size() + sizeof(uint32_t) + (joins ? 0 : load_cost));
}

intake::pushed intake::push(load&& one) {
  std::lock_guard lock(mutex_);
  const auto bytes = one.items.bytes().size();
  if (const auto refused = refuse(bytes)) return *refused;
  loads_.push_back(std::move(one));
  return taken(bytes + load_cost);
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
  bytes_ -= oldest->items.bytes().size() + load_cost;
  return oldest;
}

std::deque<intake::load> intake::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  return std::exchange(loads_, {});
}

}  // namespace troupe
