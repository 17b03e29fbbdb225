// Memberships as bytes: an entry of the log, and a part of status.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/core/membership.h"
#include "proto/batch.h"
#include "proto/wire.pb.h"

namespace troupe {

void to_proto(node_id id, const core::member& member, proto::Membership::Node* out);
void to_proto(const core::quorum& quorum, proto::Quorum* out);
proto::Membership to_proto(const core::membership& members);
// Nothing for what is no membership (too deep, no children, an unknown kind of child, an odd name).
std::optional<core::membership> from_proto(const proto::Membership& message);
std::optional<core::quorum> from_proto(const proto::Quorum& message);
std::pair<node_id, core::member> from_proto(const proto::Membership::Node& message);

std::string encode_membership(const core::membership& members);
std::optional<core::membership> decode_membership(std::string_view bytes);

// The first batch of a cluster's log: written by nobody, so the same bytes on every node that is
// given the same membership. Its checksum is the cluster's id.
batch_ptr first_batch(const core::membership& members);

}  // namespace troupe
