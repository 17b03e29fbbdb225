// What the actors of a node say to each other about snapshots; part of messages.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "caf/actor_control_block.hpp"
#include "proto/ids.h"
#include "storage/snapshot_file.h"

namespace troupe {

// To snapshot_sink, by the state_machine: a snapshot of this node begins; given up by the next one
// that begins, or is received. `busy` while one is received. Answered by done.
struct begin_snapshot {
  storage::snapshot_meta meta;
};
// The next piece of it; none: that was all. Answered when it is written or, the last, kept.
struct add_to_snapshot {
  std::string state;
};
// To snapshot_sink, by the server or a fetcher: a piece of another node's, that is to be kept.
struct stage {
  uint64_t cluster = 0;  // that it must be of
  snapshot_name snapshot;
  uint64_t offset = 0;
  std::string bytes;
  uint64_t length = 0;  // as of core::snapshot_request
};
struct staged {
  uint64_t wanted = 0;                          // the offset from which on it lacks the rest
  std::optional<storage::snapshot_meta> whole;  // it has all, and it is what it should be
};
// The newest, to be read; not_allowed when there is none. It can be read although another one takes
// its place.
struct open_snapshot {};
struct opened_snapshot {
  std::shared_ptr<storage::snapshot_reader> from;
};
// To the server, as soon as one of its own machine is durable. `before`: where the one before it
// ended.
struct snapshot_kept {
  log_index last;
  log_index before;
};
// To snapshot_sink: the newest, if it is this one, is damaged. It is set aside.
struct set_aside {
  log_id of;
  std::string why;
};
// To the server, and by it to state_machine: that has happened, or was found at the start; empty
// where nobody knows which one it was.
struct snapshot_lost {
  log_id of;
};
// To snapshot_sink: who is to be told.
struct tell_of_snapshots {
  caf::strong_actor_ptr whom;
};

// To state_machine: make one now. Answered with where it ends, when it is kept.
struct make_snapshot {};
struct made_snapshot {
  log_index last;
};
// To state_machine: the newest snapshot is ahead of it, and takes the place of its state.
struct restore_state {};
// To state_machine: who asks is told of each change, too. There is one who is.
struct watch_state {};
struct machine_state {
  bool lost = false;  // neither this node's snapshot nor its log has it any more
  std::string why;
};
// To snapshot_fetcher; what it kept, or nothing.
struct fetch_snapshot {};
struct fetched_snapshot {
  std::optional<storage::snapshot_meta> meta;
};
// Internal to state_machine: go on with the snapshot that is being made, or see whether one is due.
struct build_on {};

// A streamer has brought its follower a snapshot up to here.
struct streamed {
  log_id last;
};

}  // namespace troupe
