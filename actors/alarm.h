// One deadline of an actor, kept with at most one delayed message under way.
//
// CAF cannot cancel a delayed message. A deadline that moves later, as an election timer does with
// each heartbeat, costs nothing here: the message that is under way comes early and is sent on.
#pragma once

#include "actors/messages.h"

namespace troupe {

class alarm {
 public:
  // Wake `self` with a tick at `deadline` or, as a tick that on_tick refuses, before.
  template <class Self>
  void set(Self* self, instant deadline) {
    deadline_ = deadline;
    if (pending_ && *pending_ <= deadline) return;
    send(self);
  }

  void cancel() { deadline_.reset(); }
  bool armed() const { return deadline_.has_value(); }

  // True when the deadline has come; it is then no longer set. Sends a tick that came early on.
  template <class Self>
  bool on_tick(Self* self, const tick& t) {
    if (t.epoch != epoch_) return false;
    pending_.reset();
    if (!deadline_) return false;
    if (self->clock().now() < *deadline_) {
      send(self);
      return false;
    }
    deadline_.reset();
    return true;
  }

 private:
  template <class Self>
  void send(Self* self) {
    pending_ = deadline_;
    self->scheduled_send(self, *deadline_, tick{++epoch_});
  }

  std::optional<instant> deadline_;
  std::optional<instant> pending_;
  uint64_t epoch_ = 0;
};

}  // namespace troupe
