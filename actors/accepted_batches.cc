#include "actors/accepted_batches.h"

namespace troupe {

void accepted_batches::add(const core::accepted_append& decision) {
  if (decision.truncate_after)
    while (!batches_.empty() && batches_.back()->last_index() > *decision.truncate_after) {
      bytes_ = bytes_ - batches_.back()->size().value;
      batches_.pop_back();
    }
  for (const auto& b : decision.batches) {
    batches_.push_back(b);
    bytes_ += b->size().value;
  }
  while (bytes_ > bound) {
    bytes_ = bytes_ - batches_.front()->size().value;
    batches_.pop_front();
  }
}

std::vector<batch_ptr> accepted_batches::take_until(log_index committed) {
  std::vector<batch_ptr> taken;
  while (!batches_.empty() && batches_.front()->last_index() <= committed) {
    bytes_ = bytes_ - batches_.front()->size().value;
    taken.push_back(std::move(batches_.front()));
    batches_.pop_front();
  }
  return taken;
}

}  // namespace troupe
