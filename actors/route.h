// The way back to whoever sent a message, valid in any actor.
//
// CAF's response promise answers through the actor that made it, and not at all when that actor
// ends before. A route does not care who answers: the leader takes it from a proposal and hands it,
// with the committed batch, to the state machine, which answers. And whoever drops it answers: in
// an actor that ends, in a message that nobody takes any more, in the handler of a reply that never
// came, the last copy says what was given for that case.
#pragma once

#include <memory>

#include "caf/actor_cast.hpp"
#include "caf/actor_control_block.hpp"
#include "caf/mailbox_element.hpp"
#include "caf/message_id.hpp"
#include "caf/response_promise.hpp"

namespace troupe {

// Copies are one and the same way: it is gone once. One thread at a time uses it.
class route {
 public:
  // Leads nowhere.
  route() = default;

  // The sender of the message that `self` handles right now; its handler returns a `delegated`.
  // `dropped` is the answer when nobody gives another one, a reply or a caf::error.
  template <class Self, class Reply>
  static route of_current(Self* self, Reply dropped) {
    auto promise = self->make_response_promise();
    route r;
    r.way_ = std::make_shared<way_of<Reply>>(promise.source(), promise.id(), std::move(dropped));
    return r;
  }

  // Answers a request with its response, and a plain message with a plain message. At most once.
  template <class Self, class T>
  void deliver(Self* self, T&& answer) const {
    if (!way_ || !way_->to) return;
    way_->to->enqueue(
        caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(self),
                                  way_->id.response_id(), {}, std::forward<T>(answer)),
        self->context());
    way_->to = nullptr;
  }

  // The same, of an actor that ends. It may be nobody's any more, and CAF would destroy it twice if
  // it became the sender of a message.
  template <class T>
  void deliver_at_end(T&& answer) const {
    if (way_) way_->say_at_end(std::forward<T>(answer));
  }

  // Says something before the answer, as a plain message.
  template <class Self, class T>
  void tell(Self* self, T&& news) const {
    if (!way_ || !way_->to) return;
    way_->to->enqueue(caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(self),
                                                caf::make_message_id(), {}, std::forward<T>(news)),
                      self->context());
  }

 private:
  struct way {
    way(caf::strong_actor_ptr t, caf::message_id i) : to(std::move(t)), id(i) {}

    template <class T>
    void say_at_end(T&& answer) {
      if (!to) return;
      to->enqueue(caf::make_mailbox_element(nullptr, id.response_id(), {}, std::forward<T>(answer)),
                  nullptr);
      to = nullptr;
    }

    caf::strong_actor_ptr to;  // null when it was answered
    caf::message_id id;
  };
  template <class Reply>
  struct way_of : way {
    way_of(caf::strong_actor_ptr t, caf::message_id i, Reply d)
        : way(std::move(t), i), dropped(std::move(d)) {}
    ~way_of() { this->say_at_end(std::move(dropped)); }

    Reply dropped;
  };

  std::shared_ptr<way> way_;
};

}  // namespace troupe
