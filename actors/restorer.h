// The restorer actor: puts a snapshot in place of a machine's whole state, which takes as long as
// it is large. Spawned by the state_machine, which leaves the machine alone meanwhile; it ends when
// it has answered.
#pragma once

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "actors/machine.h"
#include "actors/messages.h"
#include "actors/observed.h"
#include "caf/typed_actor.hpp"
#include "storage/snapshot_file.h"

namespace troupe {

struct restore_machine {
  std::shared_ptr<machine> what;
  std::shared_ptr<storage::snapshot_reader> from;
  std::shared_ptr<std::atomic<bool>> stop;  // nobody wants it any more
};
struct restored_machine {
  absl::Status how;
  bool touched = false;  // the machine was: its state is unknown after an error
};

using restorer_actor = caf::typed_actor<caf::replies_to<restore_machine>::with<restored_machine>>;

// Blocks: spawn it detached, except over memory. `own_thread`: it is, and where the cores are busy
// it leaves them to those that serve.
restorer_actor::behavior_type restorer(restorer_actor::pointer self,
                                       std::shared_ptr<observed> board, bool own_thread);

}  // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::restore_machine)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::restored_machine)
