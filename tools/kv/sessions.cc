#include "tools/kv/sessions.h"

namespace troupe::kv {

std::string_view sessions::open() {
  keep("@" + std::to_string(++given_), 0, {});
  return entries_.back().id;
}

const sessions::entry* sessions::use(std::string_view id) {
  const auto it = index_.find(id);
  if (it == index_.end()) return nullptr;
  entries_.splice(entries_.end(), entries_, it->second);
  return &entries_.back();
}

void sessions::keep(std::string_view id, uint64_t sequence, std::string_view answer) {
  if (use(id) == nullptr) {
    entries_.push_back({std::string(id), 0, {}});
    index_.emplace(entries_.back().id, std::prev(entries_.end()));
    bytes_ += cost(entries_.back());
  }
  entry& e = entries_.back();
  bytes_ -= cost(e);
  e.sequence = sequence;
  // A string of its own size: one that held a long answer before would keep its memory.
  e.answer = std::string(answer);
  bytes_ += cost(e);
  while (entries_.size() > 1 && (entries_.size() > bounds_.count || bytes_ > bounds_.bytes))
    forget_oldest();
}

void sessions::forget_oldest() {
  const entry& oldest = entries_.front();
  bytes_ -= cost(oldest);
  index_.erase(oldest.id);
  entries_.pop_front();
}

}  // namespace troupe::kv
