#include "tools/kv/sessions.h"

#include <algorithm>

#include "proto/check.h"
#include "tools/kv/sessions_view.h"

namespace troupe::kv {

std::string_view sessions::open() {
  keep("@" + std::to_string(++given_), 0, {});
  return entries_.back().id;
}

const sessions::entry* sessions::use(std::string_view id) {
  const auto it = index_.find(id);
  if (it == index_.end()) return nullptr;
  change(it->second);
  entries_.splice(entries_.end(), entries_, it->second);
  entries_.back().used = ++uses_;
  return &entries_.back();
}

void sessions::keep(std::string_view id, uint64_t sequence, std::string_view answer) {
  if (use(id) == nullptr) {
    entries_.push_back({std::string(id), 0, {}, ++uses_});
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
  change(entries_.begin());
  if (on_forgotten_) on_forgotten_(oldest.id);
  bytes_ -= cost(oldest);
  index_.erase(oldest.id);
  entries_.pop_front();
}

// Before it moves, changes or goes.
void sessions::change(place e) {
  if (view_ != nullptr) view_->before_change(e);
}

void sessions::restore(std::vector<entry> all, uint64_t given) {
  std::ranges::sort(all, {}, &entry::used);
  TROUPE_CHECK(view_ == nullptr, "nobody reads what is replaced");
  index_.clear();
  entries_.assign(std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
  bytes_ = 0;
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    index_.emplace(it->id, it);
    bytes_ += cost(*it);
  }
  uses_ = entries_.empty() ? 0 : entries_.back().used;
  given_ = given;
}

}  // namespace troupe::kv
