// What is inside an actor, for the simulation only: everything runs in one thread.
#pragma once

#include "caf/abstract_actor.hpp"
#include "caf/actor_cast.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe::sim {

template <class Handle>
bool has_ended(const Handle& h) {
  const auto* a = caf::actor_cast<caf::abstract_actor*>(h);
  return a->getf(caf::abstract_actor::is_terminated_flag);
}

// What a handle's actor keeps; null before it has begun and after it has ended.
template <class State, class Handle>
auto* inside(const Handle& h) {
  using actor_ptr = typename Handle::template stateful_pointer<State>;
  auto* a = static_cast<actor_ptr>(caf::actor_cast<caf::abstract_actor*>(h));
  using inner = decltype(a->state.me.get());
  return has_ended(h) ? inner{} : a->state.me.get();
}

}  // namespace troupe::sim
