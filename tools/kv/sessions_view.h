// What sessions were when this was made, read piece by piece while they go on; as table_view.
//
// At most one view at a time, which ends before what it looks at. One thread at a time.
#pragma once

#include <utility>
#include <vector>

#include "tools/kv/sessions.h"

namespace troupe::kv {

class sessions_view {
 public:
  explicit sessions_view(sessions& of);
  ~sessions_view() { of_.view_ = nullptr; }
  sessions_view(const sessions_view&) = delete;
  sessions_view& operator=(const sessions_view&) = delete;

  uint64_t given() const { return given_; }
  // Gives entries to `visit(entry)`, in no particular order, until `go_on()` says no, or all were
  // given: false then.
  template <class Visit, class GoOn>
  bool read(Visit&& visit, GoOn&& go_on) {
    while (!kept_.empty()) {
      const auto one = std::move(kept_.back());
      kept_.pop_back();
      visit(one);
      if (!go_on()) return true;
    }
    while (next_ != of_.entries_.end() && next_->used <= last_) {
      visit(std::as_const(*next_++));
      if (!go_on()) return true;
    }
    return false;
  }

 private:
  friend class sessions;
  void before_change(sessions::place e);

  sessions& of_;
  const uint64_t given_;
  const uint64_t last_;   // use that it knows of: what was used later it has kept, or it is new
  sessions::place next_;  // entries are in the order of their uses
  std::vector<sessions::entry> kept_;
};

}  // namespace troupe::kv
