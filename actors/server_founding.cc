// How a node that has nothing begins the cluster that it was told of: by its flags at the start, or
// by a caller (`initialize`). core/founding.h decides; this asks, and says whom it waits for.
#include "absl/strings/str_join.h"
#include "actors/membership_codec.h"
#include "actors/server.h"
#include "proto/trace.h"

namespace troupe {

caf::result<done> server::on_initialize(const initialize& m) {
  if (!m.members.check(options_.mode).ok() || !m.members.contains(options_.id))
    return make_error(raft_errc::invalid);
  if (first_batch(m.members)->checksum() == acceptor_->cluster()) return done{};
  if (acceptor_->acknowledged() || acceptor_->saved().leader)
    return make_error(raft_errc::not_allowed);
  found(m.members, route::of_current(self_, make_error(raft_errc::outcome_unknown)));
  return caf::delegated<done>{};
}

// Nothing is written before it begins, so who asks once more may name other members.
void server::found(const core::membership& first, route asked_by) {
  founding_.emplace(first, options_.id);
  founder_ = std::move(asked_by);
  waited_for_.clear();
  peers_.update(first, options_.id, self_, options_.resolve);
  if (founding_->decide() == core::founding::state::begins) return begin();
  call_founders();
}

// By calls that bind nobody.
void server::call_founders() {
  for (const auto& call : core::roll(founding_->first(), options_.id))
    self_->request(peers_.find(call.to), options_.timing.rpc_timeout(), call)
        .then(
            [this, to = call.to](const core::vote_reply& reply) {
              if (reply.from == to) on_founder(reply);
            },
            [](const caf::error&) { /* it is asked again */ });
  election_.set(self_, now() + options_.timing.heartbeat_interval);
}

void server::on_founder(const core::vote_reply& reply) {
  using state = core::founding::state;
  if (!founding_ || founding_->decide() != state::asks) return;
  founding_->on_reply(reply);
  if (founding_->decide() == state::begins) begin();
  if (founding_->decide() != state::waits) return;
  older_cluster_ = true;
  TROUPE_EVENT(info) << "n" << options_.id << " waits for the leader's log: the cluster that it "
                     << "was to begin is there already, says n" << founding_->older();
  election_.set(self_, now() + options_.timing.election_timeout_max);
}

void server::on_founding_tick() {
  if (founding_->decide() == core::founding::state::waits) return end_founding();
  auto missing = founding_->missing();
  if (missing != waited_for_)
    TROUPE_EVENT(info) << "n" << options_.id << " begins the cluster when it has heard of "
                       << absl::StrJoin(missing, ", ", absl::StreamFormatter())
                       << " that they have nothing either";
  waited_for_ = std::move(missing);
  call_founders();
}

void server::begin() {
  batch_ptr first = first_batch(founding_->first());
  self_->request(options_.store, caf::infinite, append{acceptor_->saved(), {}, {std::move(first)}})
      .await([this](const flushed&) { refresh_then([this] { settle(); }); },
             [this](const caf::error& e) {
               founder_.deliver(self_, e);
               self_->quit(e);
             });
}

// It has begun, is given the log of a leader, or nobody gave it one.
void server::end_founding() {
  if (!founding_) return;
  const bool begun = first_batch(founding_->first())->checksum() == acceptor_->cluster();
  if (begun)
    founder_.deliver(self_, done{});
  else
    founder_.deliver(self_, make_error(raft_errc::not_allowed));
  founding_.reset();
  founder_ = {};
}

}  // namespace troupe
