// For actors that outlive those whose last words they pass on.
#pragma once

#include <memory>
#include <vector>

#include "caf/actor.hpp"
#include "caf/system_messages.hpp"

namespace troupe {

// `self` quits when the last of `others` has ended. Takes the handler of down messages.
template <class Self>
void end_after(Self* self, const std::vector<caf::actor>& others) {
  self->set_down_handler(
      [self, left = std::make_shared<size_t>(others.size())](const caf::down_msg&) {
        if (--*left == 0) self->quit();
      });
  for (const auto& other : others) self->monitor(other);
}

}  // namespace troupe
