// A bound on how many things are under way at once.
#pragma once

#include <atomic>
#include <memory>

namespace troupe {

// Thread safe. What was taken may outlive this.
class slots {
 public:
  explicit slots(size_t most) : most_(most) {}

  // Free again when the last copy is gone; null when all are taken.
  std::shared_ptr<void> take() const {
    const std::shared_ptr<void> slot(taken_.get(), [n = taken_](void*) { --*n; });
    return ++*taken_ <= most_ ? slot : nullptr;
  }

 private:
  size_t most_;
  std::shared_ptr<std::atomic<size_t>> taken_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace troupe
