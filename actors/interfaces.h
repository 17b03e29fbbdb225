// Every actor's typed interface on one page: read this first, then messages.h.
//
//   clients ──propose, read──► server ──delegates──► leader ──replicate──► replicator ──► peer
//                                │                     │ append               append_request │
//                                └────append────► log_store ◄────────────────────────────────┘
//                                                      │
//                                leader, server ──apply──► state_machine ──outcome──► clients
#pragma once

#include "actors/messages.h"
#include "caf/typed_actor.hpp"

namespace troupe {

using caf::reacts_to;
using caf::replies_to;

// What a node of any version is to the others, and to a client on another node.
using first_peer_actor = caf::typed_actor<
    replies_to<core::vote_request>::with<core::vote_reply>,
    replies_to<core::append_request>::with<core::append_reply>, replies_to<propose>::with<outcome>,
    replies_to<read>::with<outcome>, replies_to<core::transfer_request>::with<core::transfer_reply>,
    replies_to<admin_request>::with<admin_reply>, replies_to<initialize>::with<done>,
    replies_to<hash_log>::with<log_hash>, replies_to<status_request>::with<status>>;

// What came later.
using fetching_actor = caf::typed_actor<replies_to<fetch_request>::with<fetch_reply>>;
using installing_actor =
    caf::typed_actor<replies_to<core::snapshot_request>::with<core::snapshot_reply>>;
using backing_actor = caf::typed_actor<replies_to<backup_request>::with<backup_reply>>;

// One of this version. Implemented by a server, and by a peer_link, which stands in for a remote
// one and sends it nothing that it does not know.
using peer_actor = first_peer_actor::extend_with<fetching_actor, installing_actor, backing_actor>;

// Always on, one for each node: the voter. Owns acceptor and candidacy, spawns and ends the leader.
using server_actor =
    peer_actor::extend<reacts_to<outvoted>, reacts_to<led>, replies_to<adopt>::with<peer_handles>,
                       replies_to<configure>::with<done>, reacts_to<handing_over>,
                       reacts_to<snapshot_kept>, reacts_to<snapshot_lost>, reacts_to<machine_state>,
                       reacts_to<tick>>;

// One for each leadership of this node.
using leader_actor =
    caf::typed_actor<replies_to<propose>::with<outcome>, replies_to<read>::with<outcome>,
                     replies_to<admin_request>::with<admin_reply>,
                     replies_to<status_request>::with<status>, reacts_to<acked>, reacts_to<forgot>,
                     reacts_to<outvoted>, reacts_to<applied>, reacts_to<seal_now>,
                     reacts_to<configure>, reacts_to<handing_over>, reacts_to<machine_state>,
                     reacts_to<tick>>;

// One for each peer and replication session.
using replicator_actor =
    caf::typed_actor<reacts_to<replicate>, reacts_to<confirm>, reacts_to<streamed>,
                     replies_to<status_request>::with<replicator_status>, reacts_to<configure>,
                     reacts_to<tick>>;

// One for each transfer of a snapshot to a follower.
using snapshot_streamer_actor = caf::typed_actor<reacts_to<tick>>;

// One for each snapshot that this node gets back from others.
using snapshot_fetcher_actor =
    caf::typed_actor<replies_to<fetch_snapshot>::with<fetched_snapshot>, reacts_to<tick>>;

// The only writer of vote and log on its node, and the fence.
using log_store_actor =
    caf::typed_actor<replies_to<describe_log>::with<log_state>,
                     replies_to<save_vote>::with<log_state>, replies_to<append>::with<flushed>,
                     replies_to<read_log>::with<log_slice>, replies_to<restore_log>::with<restored>,
                     replies_to<find_batches>::with<log_slice>,
                     replies_to<purge_log>::with<log_state>, replies_to<reset_log>::with<log_state>,
                     reacts_to<sync_now>, reacts_to<tick>>;

// The only writer of snapshots on its node: those that its machine makes, and those that another
// node sends.
using snapshot_sink_actor = caf::typed_actor<
    replies_to<begin_snapshot>::with<done>, replies_to<add_to_snapshot>::with<done>,
    replies_to<stage>::with<staged>, replies_to<open_snapshot>::with<opened_snapshot>,
    replies_to<backup_request>::with<backup_reply>, replies_to<set_aside>::with<done>,
    reacts_to<tell_of_snapshots>, reacts_to<tick>>;

// Hosts the user's machine.
using state_machine_actor =
    caf::typed_actor<reacts_to<apply>, reacts_to<query>, replies_to<visit>::with<done>,
                     replies_to<hash_log>::with<log_hash>,
                     replies_to<describe_applied>::with<applied>,
                     replies_to<make_snapshot>::with<made_snapshot>, reacts_to<restore_state>,
                     reacts_to<snapshot_lost>, replies_to<watch_state>::with<machine_state>,
                     reacts_to<configure>, reacts_to<build_on>, reacts_to<go_on>, reacts_to<tick>>;

}  // namespace troupe
