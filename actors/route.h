// The way back to whoever sent a message, valid in any actor.
//
// CAF's response promise answers through the actor that made it. A route does not: the leader takes
// it from a proposal and hands it, with the committed batch, to the state machine, which answers.
// Whoever holds a route when its actor ends must answer it; nothing else will.
#pragma once

#include "caf/actor_cast.hpp"
#include "caf/actor_control_block.hpp"
#include "caf/mailbox_element.hpp"
#include "caf/message_id.hpp"
#include "caf/response_promise.hpp"

namespace troupe {

class route {
 public:
  // Leads nowhere.
  route() = default;

  // The sender of the message that `self` handles right now; its handler returns a `delegated`.
  template <class Self>
  static route of_current(Self* self) {
    auto promise = self->make_response_promise();
    return route(promise.source(), promise.id());
  }

  // Answers a request with its response, and a plain message with a plain message. At most once.
  template <class Self, class T>
  void deliver(Self* self, T&& answer) {
    if (!to_) return;
    to_->enqueue(caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(self),
                                           id_.response_id(), {}, std::forward<T>(answer)),
                 self->context());
    to_ = nullptr;
  }

  // The same, of an actor that ends. It may be nobody's any more, and CAF would destroy it twice if
  // it became the sender of a message.
  template <class T>
  void deliver_at_end(T&& answer) {
    if (!to_) return;
    to_->enqueue(caf::make_mailbox_element(nullptr, id_.response_id(), {}, std::forward<T>(answer)),
                 nullptr);
    to_ = nullptr;
  }

  // Says something before the answer, as a plain message.
  template <class Self, class T>
  void tell(Self* self, T&& news) const {
    if (!to_) return;
    to_->enqueue(caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(self),
                                           caf::make_message_id(), {}, std::forward<T>(news)),
                 self->context());
  }

  explicit operator bool() const { return to_ != nullptr; }

 private:
  route(caf::strong_actor_ptr to, caf::message_id id) : to_(std::move(to)), id_(id) {}

  caf::strong_actor_ptr to_;
  caf::message_id id_;
};

}  // namespace troupe
