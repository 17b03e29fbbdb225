#include "actors/snapshot_streamer.h"

#include <algorithm>

#include "actors/compression.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

constexpr duration longest_backoff = std::chrono::seconds(5);

}  // namespace

snapshot_streamer::snapshot_streamer(self_ptr self, streamer_options options)
    : self_(self),
      options_(std::move(options)),
      pace_(options_.how.send_rate),
      backoff_(options_.timing.heartbeat_interval, longest_backoff),
      log_("sends n" + std::to_string(options_.peer.value) + " a snapshot", self->clock().now()) {
  open();
}

snapshot_streamer::~snapshot_streamer() {
  options_.board->post([&](metrics& m) { m.sending.erase(options_.peer); });
}

void snapshot_streamer::open() {
  self_->request(options_.sink, caf::infinite, open_snapshot{})
      .then(
          [this](const opened_snapshot& o) {
            from_ = o.from;
            furthest_ = 0;
            cursor_.emplace(from_->size());
            TROUPE_EVENT(info) << "sends n" << options_.peer << " the snapshot up to "
                               << from_->name().last << ", of " << from_->size() << " bytes";
            pump();
          },
          [this](const caf::error&) { back_off("there is none that can be read"); });
}

// -- sending --------------------------------------------------------------------------------------

void snapshot_streamer::pump() {
  while (!paused_ && cursor_) {
    const auto piece = cursor_->next();
    if (!piece) return;
    if (piece->length != 0 && !pace_.may_go(self_->clock().now()))
      return again_.set(self_, pace_.next());
    send(*piece);
  }
}

void snapshot_streamer::send(const core::chunk_cursor::piece& p) {
  core::snapshot_request m;
  m.to = options_.peer;
  m.session = options_.session;
  m.cluster = options_.cluster;
  m.incarnation = options_.incarnation;
  m.snapshot = from_->name();
  m.offset = p.offset;
  if (p.length != 0 && !fill(m, p.length)) return;
  cursor_->sent(p, self_->clock().now());
  // What is asked at the end is answered when the follower has looked through all of it.
  const auto deadline = cursor_->all_there() ? core::time_to_install(options_.timing, from_->size())
                                             : options_.timing.rpc_timeout(cursor_->under_way());
  self_->request(options_.link, deadline, std::move(m))
      .then([this, t = p.ticket](const core::snapshot_reply& reply) { on_reply(t, reply); },
            [this, t = p.ticket](const caf::error&) { on_failure(t, "no answer"); });
}

bool snapshot_streamer::fill(core::snapshot_request& m, uint64_t length) {
  auto bytes = from_->raw(m.offset, length);
  if (!bytes.ok() || bytes->size() < length) {
    begin_anew("the file cannot be read");
    return false;
  }
  m.bytes = *std::move(bytes);
  if (options_.how.compression != 0) {
    auto less = compress(m.bytes, static_cast<int>(options_.how.compression));
    if (less.size() < m.bytes.size()) m.bytes = std::move(less), m.length = length;
  }
  pace_.went(m.bytes.size(), self_->clock().now());
  return true;
}

// -- what the follower says -----------------------------------------------------------------------

void snapshot_streamer::on_reply(uint64_t ticket, const core::snapshot_reply& reply) {
  const auto sent = cursor_ ? cursor_->sent_at(ticket) : std::nullopt;
  if (!sent || reply.session != options_.session) return on_failure(ticket, "another session");
  if (reply.verdict == core::verdict::rejected) self_->send(options_.leader, outvoted{reply.saved});
  // It has looked through all of it.
  const bool asked_to_install = cursor_->all_there();
  if (reply.verdict == core::verdict::failed && asked_to_install)
    return begin_anew("it cannot use it");
  if (reply.verdict != core::verdict::matched) return on_failure(ticket, "it refuses it");
  self_->send(options_.leader,
              acked{options_.session, options_.peer, {}, *sent, 0, reply.incarnation});
  if (reply.installed) {
    TROUPE_EVENT(info) << "n" << options_.peer << " has installed the snapshot up to "
                       << from_->name().last;
    self_->send(options_.replicator, streamed{from_->name().last});
    self_->quit();
    return;
  }
  cursor_->on_wanted(ticket, reply.wanted, self_->clock().now());
  tell_progress();
  if (asked_to_install && !cursor_->all_there()) return begin_anew("it was not what it should be");
  // It could not install it: at once it could not either.
  if (asked_to_install) return back_off("it cannot be installed");
  // Who has no room for all of it gets as far each time.
  if (cursor_->acknowledged() > furthest_) {
    furthest_ = cursor_->acknowledged();
    told_.clear();
    backoff_.reset();
  }
  pump();
}

void snapshot_streamer::on_failure(uint64_t ticket, const std::string& why) {
  if (!cursor_ || !cursor_->sent_at(ticket)) return;
  cursor_->on_failure(ticket);
  back_off(why);
}

// The follower may have spoilt it, or this node.
void snapshot_streamer::look_at_it() {
  if (const auto whole = from_->verify(); absl::IsDataLoss(whole))
    caf::anon_send(options_.sink, set_aside{from_->name().last, std::string(whole.message())});
}

void snapshot_streamer::begin_anew(const std::string& why) {
  look_at_it();
  cursor_.reset();
  from_.reset();
  back_off(why);
}

void snapshot_streamer::tell_progress() {
  const snapshot_progress so_far{cursor_->acknowledged(), from_->size()};
  options_.board->post([&](metrics& m) { m.sending[options_.peer] = so_far; });
  log_.note(so_far, self_->clock().now());
}

// -- time -----------------------------------------------------------------------------------------

void snapshot_streamer::back_off(const std::string& why) {
  if (std::exchange(told_, why) != why)
    TROUPE_EVENT(warn) << "the snapshot for n" << options_.peer << " waits: " << why;
  paused_ = true;
  again_.set(self_, self_->clock().now() + backoff_.next());
}

void snapshot_streamer::on_tick(const tick& t) {
  if (!again_.on_tick(self_, t)) return;
  paused_ = false;
  cursor_ ? pump() : open();
}

snapshot_streamer_actor::behavior_type snapshot_streamer_behavior(
    snapshot_streamer_actor::stateful_pointer<snapshot_streamer_state> self,
    streamer_options options) {
  self->state.me = std::make_unique<snapshot_streamer>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
