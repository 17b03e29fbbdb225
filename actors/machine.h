// The seam for users: what is replicated.
//
// Implement `machine` and hand it to a node; the state_machine actor hosts it. Every node applies
// the same commands in the same order, so `apply` must be deterministic: no clock, no randomness,
// no address-dependent iteration order in results.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/frames.h"
#include "proto/ids.h"

namespace troupe {

// A machine's state as bytes, piece by piece.
class snapshot_source {
 public:
  virtual ~snapshot_source() = default;

  // The next piece, of any size above 0; an empty one when all was given. An error is final.
  virtual absl::StatusOr<std::string> next() = 0;

  // Bytes of memory that it holds to go on giving what the state was. Where that is much, it is
  // read as fast as the disk takes it, whatever the rate.
  virtual size_t held() const { return 0; }
};

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

  // The state as of the last `apply`, to be read while more is applied: the source goes on giving
  // what was then. Neither this nor any piece may take long, since commands wait meanwhile: so do
  // not copy the state here, and give pieces of about 64 KiB. There is one source at a time; it
  // ends before the machine, and before `restore`.
  //
  // Null: not now, it is asked again later. A machine that has no snapshots, as is the default,
  // makes its node keep the whole log.
  virtual std::unique_ptr<snapshot_source> begin_snapshot() { return nullptr; }

  // Puts what a source of such a machine gave in place of the whole state. After an error the state
  // is unknown, and the node ends.
  virtual absl::Status restore(snapshot_source& from);
};

}  // namespace troupe
