#include "tools/kv/sessions_view.h"

#include "proto/check.h"

namespace troupe::kv {

sessions_view::sessions_view(sessions& of)
    : of_(of), given_(of.given_), last_(of.uses_), next_(of.entries_.begin()) {
  TROUPE_CHECK(of.view_ == nullptr, "sessions have one view at a time");
  of.view_ = this;
}

void sessions_view::before_change(sessions::place e) {
  const bool all_read = next_ == of_.entries_.end() || next_->used > last_;
  if (all_read || e->used > last_ || e->used < next_->used) return;
  kept_.push_back(*e);
  if (e == next_) ++next_;
}

}  // namespace troupe::kv
