// What a program keeps with its node: one object of each type, shared by all copies of the handle.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <typeindex>

namespace troupe {

// Thread safe. What the objects themselves do is their own business.
class extensions {
 public:
  // The one T, made when it is first asked for. Lives as long as this.
  template <class T>
  T& get() {
    const auto s = slot_of(typeid(T));
    // Outside the map's lock: a T may ask for other extensions while it is made.
    std::call_once(s->once, [&] { s->object = std::make_shared<T>(); });
    return *static_cast<T*>(s->object.get());
  }

 private:
  struct slot {
    std::once_flag once;
    std::shared_ptr<void> object;
  };

  std::shared_ptr<slot> slot_of(std::type_index type) {
    std::lock_guard lock(mutex_);
    auto& s = slots_[type];
    if (!s) s = std::make_shared<slot>();
    return s;
  }

  std::mutex mutex_;
  std::map<std::type_index, std::shared_ptr<slot>> slots_;
};

}  // namespace troupe
