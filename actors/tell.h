// A message to an actor of which only the handle is known, not the type.
#pragma once

#include <utility>

#include "caf/actor_control_block.hpp"
#include "caf/mailbox_element.hpp"

namespace troupe {

// Nothing where there is nobody. Nobody answers it.
template <class Self, class Message>
void tell(Self* self, const caf::strong_actor_ptr& whom, Message&& m) {
  if (whom)
    whom->enqueue(caf::make_mailbox_element(self->ctrl(), caf::make_message_id(), {},
                                            std::forward<Message>(m)),
                  self->context());
}

}  // namespace troupe
