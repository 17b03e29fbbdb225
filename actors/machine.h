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

  // The entry of the log that the state ends with. 0 where that is not known: only a source that a
  // node hands out for `restore` tells it.
  virtual log_index last() const { return {}; }
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

  // Puts what a source of such a machine gave in place of the whole state. kDataLoss: what came
  // cannot be right, and the state is what it was; the node looks for another snapshot. After any
  // other error the state is unknown, and the node ends.
  virtual absl::Status restore(snapshot_source& from);

  // -- for a machine that keeps its state where it outlives the process ---------------------------

  // The entry of the log that the state ends with, as its own disk says: commands up to there are
  // not applied again, snapshots up to there not restored. Asked once, at the start of the node. It
  // need not be durable yet what it last was: an earlier state is as good, if it is a whole one. A
  // later one than the log has after a power cut is not, where the log is not synced.
  // It must be the state of this node's log and no other, so a machine keeps
  // `log_storage::incarnation` with its state. 0, as of a machine in memory: all is applied.
  virtual log_index applied() const { return {}; }
  // Entries up to `last` that hold no commands were reached: nothing is to be done but to count
  // them as applied.
  virtual void skip(log_index /*last*/) {}
  // Whether calls wait for a disk, so that its actor needs a thread of its own.
  virtual bool blocks() const { return false; }
};

}  // namespace troupe
