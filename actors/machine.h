// The seam for users: what is replicated.
//
// Implement `machine` and hand it to a node; the state_machine actor hosts it. Every node applies
// the same commands in the same order, so `apply` must be deterministic: no clock, no randomness,
// no address-dependent iteration order in results.
#pragma once

#include "proto/frames.h"
#include "proto/ids.h"

namespace troupe {

// One thread at a time calls a machine; it needs no lock of its own.
class machine {
 public:
  virtual ~machine() = default;

  // Applies committed commands that follow one another, in order. `first` is the log index of the
  // first one. Must add exactly one result for each command. A command is bytes that some client
  // sent: what cannot be understood is answered with a result that says so, never with an
  // exception.
  virtual void apply(log_index first, frames_view commands, frames& results) = 0;

  // Answers one question about the state as of the last `apply`, as a single result. Must not
  // change the state.
  virtual void query(std::string_view question, frames& results) = 0;
};

}  // namespace troupe
