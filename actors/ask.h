// How the handle asks an actor of its node on behalf of an ordinary thread.
#pragma once

#include <utility>

#include "actors/patience.h"
#include "actors/raft.h"
#include "caf/actor_system.hpp"
#include "caf/event_based_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

// Asks from a small actor of its own, which calls `told` with the reply or `failed` with the
// reason, once. `busy`, at once, when too many ask.
template <class Reply, class To, class Request, class Told, class Failed>
void ask(const raft::parts& p, const To& to, Request request, duration deadline, Told told,
         Failed failed) {
  auto slot = p.asked.take();
  if (!slot) return failed(raft_errc::busy);
  p.system->spawn([=, board = p.board](caf::event_based_actor* self) {
    self->request(to, bounded(deadline), request)
        .then([slot, told](const Reply& r) { told(r); },
              [board, failed](const caf::error& e) { failed(code_of_failure(e, *board)); });
  });
}

}  // namespace troupe
