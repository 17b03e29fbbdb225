// The snapshot_streamer actor: brings one follower one snapshot (thesis 5.3, 5.4). A replicator
// spawns it, whose follower needs what was purged, and ends it.
//
// It reads the file by itself, so several share one, and goes on with it although a newer snapshot
// takes its place. Pieces are sent as core::chunk_cursor says; each answer is a sign of life of the
// follower, and each piece one of the leader. What is not answered, or cannot be sent, is asked for
// again, at first after a heartbeat. Where the follower cannot use what it got, or the file cannot
// be read, it looks whether the file is damaged, and begins again with what is the newest then. It
// ends only when the follower has installed a snapshot.
#pragma once

#include <memory>

#include "actors/alarm.h"
#include "actors/core/backoff.h"
#include "actors/core/chunk_cursor.h"
#include "actors/core/compaction.h"
#include "actors/core/pace.h"
#include "actors/core/timing.h"
#include "actors/interfaces.h"
#include "actors/observed.h"
#include "actors/progress_log.h"
#include "storage/snapshot_file.h"

namespace troupe {

struct streamer_options {
  node_id peer;
  core::session session;
  uint64_t cluster = 0;
  uint64_t incarnation = 0;  // of the peer
  core::timing timing;
  core::compaction how;  // rate and compression
  peer_actor link;
  leader_actor leader;
  replicator_actor replicator;
  snapshot_sink_actor sink;
  std::shared_ptr<observed> board;
};

class snapshot_streamer {
 public:
  using self_ptr = snapshot_streamer_actor::pointer;

  snapshot_streamer(self_ptr self, streamer_options options);
  ~snapshot_streamer();

  void on_tick(const tick& t);

 private:
  void open();
  void pump();
  void send(const core::chunk_cursor::piece& p);
  bool fill(core::snapshot_request& m, uint64_t length);
  void on_reply(uint64_t ticket, const core::snapshot_reply& reply);
  void on_failure(uint64_t ticket, const std::string& why);
  void back_off(const std::string& why);
  void begin_anew(const std::string& why);
  void look_at_it();
  void tell_progress();

  self_ptr self_;
  streamer_options options_;
  std::shared_ptr<storage::snapshot_reader> from_;
  std::optional<core::chunk_cursor> cursor_;
  bool paused_ = false;  // until the next tick
  core::pace pace_;
  core::backoff backoff_;
  uint64_t furthest_ = 0;  // bytes that the follower had once
  std::string told_;       // why it did not go on, last; for people only
  progress_log log_;
  alarm again_;
};

struct snapshot_streamer_state {
  static inline const char* name = "snapshot_streamer";
  std::unique_ptr<snapshot_streamer> me;
};

// Blocks in file I/O: spawn it detached, except over memory.
snapshot_streamer_actor::behavior_type snapshot_streamer_behavior(
    snapshot_streamer_actor::stateful_pointer<snapshot_streamer_state> self,
    streamer_options options);

}  // namespace troupe
