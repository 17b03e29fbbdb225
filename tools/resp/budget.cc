#include "tools/resp/budget.h"

#include <algorithm>
#include <utility>

namespace troupe::resp {

budget::share::~share() {
  leave_line();
  hold(0);
}

void budget::share::hold(size_t bytes) {
  const size_t now = counted(bytes);
  const size_t before = std::exchange(counted_, now);
  of_.used_ += now - before;
  if (now < before) of_.wake_first();
}

bool budget::share::try_hold(size_t bytes) {
  const bool first = of_.line_.empty() || of_.line_.front() == this;
  const size_t wanted = counted(bytes);
  if (wanted <= counted_ || (first && of_.has_room(*this, wanted))) {
    hold(bytes);
    leave_line();
    return true;
  }
  wanted_ = wanted;
  woken_ = false;
  if (!std::exchange(waits_, true)) of_.line_.push_back(this);
  return false;
}

void budget::share::leave_line() {
  if (!std::exchange(waits_, false)) return;
  std::erase(of_.line_, this);
  of_.wake_first();
}

void budget::wake_first() {
  if (line_.empty()) return;
  share& first = *line_.front();
  if (has_room(first, first.wanted_) && !std::exchange(first.woken_, true)) first.wake_();
}

}  // namespace troupe::resp
