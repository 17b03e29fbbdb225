// Follows one number of a node: how far its log is, say. Each copy remembers what it saw last.
#pragma once

#include <concepts>
#include <functional>
#include <future>
#include <memory>

#include "actors/observed.h"

namespace troupe {

// A wait as a future, which is always fulfilled: by the herald, or by the end of the node.
inline std::future<waited> wait_on(observed& board, condition holds, duration patience) {
  auto promise = std::make_shared<std::promise<waited>>();
  auto future = promise->get_future();
  board.when({std::move(holds), patience, [promise](waited how) { promise->set_value(how); }});
  return future;
}

// One thread at a time uses a watch; give others copies.
template <class T>
class progress_watch {
 public:
  using projection = T (*)(const metrics&);

  progress_watch(std::shared_ptr<observed> board, projection part)
      : board_(std::move(board)), part_(part), seen_(part_(board_->get())) {}

  // The present value; from now on it counts as seen.
  const T& get() { return seen_ = part_(board_->get()); }
  // Whether the present value differs from the one seen last.
  bool changed() const { return !(part_(board_->get()) == seen_); }

  // Until the value differs from the one seen last. It may change back before anybody looks.
  std::future<waited> next(duration patience) const {
    return wait_until([seen = seen_](const T& now) { return !(now == seen); }, patience);
  }
  std::future<waited> wait_until(std::function<bool(const T&)> holds, duration patience) const {
    return wait_on(
        *board_,
        [part = part_, holds = std::move(holds)](const metrics& m) { return holds(part(m)); },
        patience);
  }
  std::future<waited> wait_until_ge(const T& least,
                                    duration patience) const requires std::totally_ordered<T> {
    return wait_until([least](const T& now) { return now >= least; }, patience);
  }

 private:
  std::shared_ptr<observed> board_;
  projection part_;
  T seen_;
};

}  // namespace troupe
