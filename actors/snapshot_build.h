// A snapshot of a machine on its way to the sink.
//
// The machine's state is read piece by piece between the batches that are applied, and no faster
// than it is written: a few pieces are under way at once. So the memory for it is bounded, beside
// what the machine keeps to go on giving what was, and commands wait for one piece at most.
//
// Part of the state_machine actor, and used by it alone.
#pragma once

#include <functional>
#include <memory>

#include "actors/core/pace.h"
#include "actors/interfaces.h"
#include "actors/machine.h"
#include "actors/observed.h"
#include "actors/progress_log.h"

namespace troupe {

class snapshot_build : public std::enable_shared_from_this<snapshot_build> {
 public:
  using self_ptr = state_machine_actor::pointer;

  struct options {
    storage::snapshot_meta meta;
    byte_count rate;           // bytes a second; 0: as fast as the disk
    uint64_t likely_size = 0;  // for people only
    snapshot_sink_actor sink;
    std::shared_ptr<observed> board;
    std::function<void(raft_errc)> done;  // called once, unless it is dropped before
  };

  snapshot_build(self_ptr self, std::unique_ptr<snapshot_source> from, options o);
  ~snapshot_build();

  void begin();
  // The actor got build_on, for which this asks.
  void go_on();

  const storage::snapshot_meta& meta() const { return options_.meta; }
  uint64_t bytes() const { return bytes_; }

 private:
  absl::StatusOr<std::string> next_piece();
  void send(std::string piece);
  void want_to_go_on(duration pause);
  void end(raft_errc how);

  self_ptr self_;
  std::unique_ptr<snapshot_source> from_;
  options options_;
  uint64_t bytes_ = 0;
  size_t under_way_ = 0;  // pieces
  bool waking_ = false;   // build_on is under way
  bool read_ = false;     // all of it
  bool ended_ = false;
  instant began_;
  core::pace pace_;
  progress_log log_;
};

}  // namespace troupe
