#include "actors/replicator.h"

#include "actors/snapshot_streamer.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

replicator::replicator(self_ptr self, replicator_options options)
    : self_(self),
      options_(std::move(options)),
      progress_(options_.log, options_.limits),
      incarnation_(options_.incarnation) {
  last_sent_ = self_->clock().now();
  last_ack_ = last_sent_;
  heartbeat_.set(self_, last_sent_ + options_.timing.heartbeat_interval);
}

// -- what the leader says -------------------------------------------------------------------------

void replicator::on_replicate(const replicate& m) {
  progress_.on_log_appended(m.batch->leader(), m.batch->last_index());
  committed_ = std::max(committed_, m.committed);
  remember(m.batch);
  pump();
}

void replicator::on_confirm(const confirm& m) {
  round_ = std::max(round_, m.round);
  committed_ = std::max(committed_, m.committed);
  pump();
  confirm_rest();
}

// What cannot be sent now goes with the next request, or when another one was answered.
void replicator::confirm_rest() {
  if (round_sent_ < round_ && progress_.may_confirm()) send(progress_.heartbeat(), {});
  if (untold() && !commit_notice_.armed())
    commit_notice_.set(self_, self_->clock().now() + options_.timing.commit_notice());
}

// The follower could apply more, if it knew.
bool replicator::untold() const {
  return committed_sent_ < std::min(committed_, progress_.matched().index);
}

void replicator::tell_commit() {
  if (untold() && progress_.may_confirm()) send(progress_.heartbeat(), {});
}

void replicator::remember(const batch_ptr& b) {
  if (!recent_.empty() && recent_.back()->last_index().next() != b->first_index()) {
    // Older batches that were just read come first; this one is read in its turn.
    if (progress_.next_index() <= recent_.back()->last_index()) return;
    recent_.clear();
    recent_bytes_ = byte_count(0);
  }
  recent_.push_back(b);
  recent_bytes_ += b->size().value;
  // The newest always stays: it is what a follower that keeps up needs.
  while (recent_bytes_ > options_.recent && recent_.size() > 1) {
    recent_bytes_ = recent_bytes_ - recent_.front()->size().value;
    recent_.pop_front();
  }
}

// -- sending --------------------------------------------------------------------------------------

// Sends as much as the window allows.
void replicator::pump() {
  if (unreachable_) return;
  while (progress_.may_send() && !reading_) {
    const bool probing = progress_.how() == core::progress::mode::probing;
    if (!probing && progress_.next_index() > progress_.last_index()) return;
    auto step = progress_.next();
    std::vector<batch_ptr> batches;
    if (step.most && step.first <= progress_.last_index() && !gather(step, batches)) {
      // A probe need not wait for payloads: it goes out empty.
      if (!probing) return;
    }
    send(step, std::move(batches));
  }
}

// The batches from the one with step.first on that are at hand; starts reading the log where there
// are none.
bool replicator::gather(core::progress::step& step, std::vector<batch_ptr>& batches) {
  if (recent_.empty() || step.first < recent_.front()->first_index() ||
      recent_.back()->last_index() < step.first) {
    if (progress_.how() == core::progress::mode::streaming) read_older(step.first);
    return false;
  }
  const auto first = std::ranges::lower_bound(recent_, step.first, {}, &batch::last_index);
  step = progress_.moved_back(step, (*first)->first_index());
  byte_count size;
  for (auto it = first; it != recent_.end(); ++it) {
    if (!batches.empty() && (size + (*it)->size().value) > step.most) break;
    if (batches.size() == wire::max_payloads) break;
    batches.push_back(*it);
    size += (*it)->size().value;
  }
  return true;
}

void replicator::read_older(log_index from) {
  reading_ = true;
  self_->request(options_.store, caf::infinite, read_log{from, options_.limits.window})
      .then(
          [this, from](const log_slice& slice) {
            reading_ = false;
            TROUPE_EVENT(debug) << "reads from " << from << ", batches=" << slice.batches.size();
            recent_.clear();
            recent_bytes_ = byte_count(0);
            for (const auto& b : slice.batches) {
              recent_.push_back(b);
              recent_bytes_ += b->size().value;
            }
            pump();
          },
          [this](const caf::error& e) {
            reading_ = false;
            if (code_of(e, raft_errc::none) == raft_errc::invalid && options_.sink) {
              progress_.need_snapshot();
              return stream_snapshot();
            }
            unreachable_ = true;
            TROUPE_EVENT(warn) << "cannot read the log: "
                               << to_string(code_of(e, raft_errc::storage_failed));
          });
}

// The log behind it is read again when it is there.
void replicator::stream_snapshot() {
  if (streamer_) return;
  recent_.clear();
  recent_bytes_ = byte_count(0);
  streamer_options o;
  o.peer = options_.peer;
  o.session = options_.session;
  o.cluster = options_.cluster;
  o.incarnation = incarnation_;
  o.timing = options_.timing;
  o.how = options_.compaction;
  o.link = options_.link;
  o.leader = options_.leader;
  o.replicator = self_;
  o.sink = options_.sink;
  o.board = options_.board;
  streamer_ = options_.storage_blocks
                  ? self_->spawn<caf::linked + caf::detached>(snapshot_streamer_behavior, o)
                  : self_->spawn<caf::linked>(snapshot_streamer_behavior, o);
}

void replicator::on_streamed(const streamed& m) {
  if (progress_.how() != core::progress::mode::snapshot) return;
  streamer_ = nullptr;
  progress_.on_installed(m.last);
  pump();
}

// It has by other means what the snapshot was for.
void replicator::end_streamer() {
  self_->unlink_from(streamer_);
  caf::anon_send_exit(streamer_, caf::exit_reason::user_shutdown);
  streamer_ = nullptr;
}

void replicator::send(const core::progress::step& step, std::vector<batch_ptr> batches) {
  TROUPE_SPAN(trace, "replicator.send",
              "to=" << options_.peer << " previous=" << step.previous
                    << " batches=" << batches.size()
                    << " request=" << (batches.empty() ? request_id{} : batches[0]->request()));
  const auto now = self_->clock().now();
  byte_count size;
  for (const auto& b : batches) size += b->size().value;
  const auto last = batches.empty() ? step.previous : batches.back()->last();
  TROUPE_EVENT(trace) << size << " bytes up to " << last << ", committed " << committed_;
  progress_.sent(step, last, size, now);
  round_sent_ = round_;
  committed_sent_ = std::max(committed_sent_, std::min(committed_, last.index));
  last_sent_ = now;
  core::append_request request;
  request.to = options_.peer;
  request.session = options_.session;
  request.previous = step.previous;
  request.committed = committed_;
  request.round = round_;
  request.cluster = options_.cluster;
  request.incarnation = incarnation_;
  request.batches = std::move(batches);
  // An upper bound on what waits here; the progress gives a payload up before, by what it measured.
  const auto deadline = options_.timing.rpc_timeout(size ? progress_.in_flight() : byte_count(0));
  self_->request(options_.link, deadline, std::move(request))
      .then([this, t = step.ticket](const core::append_reply& reply) { on_reply(t, reply); },
            [this, t = step.ticket](const caf::error&) { refuses_ = false, on_error(t); });
}

// -- what the follower says -----------------------------------------------------------------------

void replicator::on_reply(uint64_t ticket, const core::append_reply& reply) {
  if (reply.session != options_.session) return on_error(ticket);
  const auto sent = progress_.sent_at(ticket);
  if (!sent) return;
  // Perhaps it is not even the follower: an address may lead to another node by mistake.
  refuses_ = reply.verdict == core::verdict::failed;
  if (refuses_) return on_error(ticket);
  if (is_replaced(reply)) return on_replaced(ticket);
  unreachable_ = replaced_ = false;
  switch (reply.verdict) {
    case core::verdict::matched:
      progress_.on_matched(ticket, reply.durable, self_->clock().now());
      if (streamer_ && progress_.how() == core::progress::mode::streaming) end_streamer();
      break;
    case core::verdict::conflict:
      on_conflict(ticket, reply.hint);
      break;
    case core::verdict::failed:
    case core::verdict::replaced:
      return on_error(ticket);
    case core::verdict::rejected:
      progress_.on_failure(ticket);
      self_->send(options_.leader, outvoted{reply.saved});
      return;
  }
  last_ack_ = self_->clock().now();
  const auto durable = reply.verdict == core::verdict::matched ? reply.durable : log_id{};
  self_->send(options_.leader,
              acked{options_.session, options_.peer, durable, *sent, reply.round, incarnation_});
  pump();
  confirm_rest();
}

// Who answered first in this session, or is registered, is the follower; another disk under its
// name has none of what it acknowledged.
bool replicator::is_replaced(const core::append_reply& reply) {
  if (incarnation_ == 0) incarnation_ = reply.incarnation;
  return reply.verdict == core::verdict::replaced || reply.incarnation != incarnation_;
}

void replicator::on_replaced(uint64_t ticket) {
  if (!std::exchange(replaced_, true)) {
    TROUPE_EVENT(warn) << "n" << options_.peer
                       << " came back with another data directory and is not counted any more; "
                          "remove it and add it again";
    self_->send(options_.leader, forgot{options_.session, options_.peer, /*replaced=*/true});
  }
  on_error(ticket);
}

// Where the search cannot go on, as at the purged part, asking again at once would only spin.
void replicator::on_conflict(uint64_t ticket, const log_id& hint) {
  const auto asked = progress_.next_index();
  const auto matched = progress_.matched();
  progress_.on_conflict(ticket, hint);
  if (progress_.matched() < matched) {
    TROUPE_EVENT(warn) << "n" << options_.peer << " has lost entries up to " << matched
                       << " that it had acknowledged; they are sent again";
    self_->send(options_.leader, forgot{options_.session, options_.peer, /*replaced=*/false});
  }
  if (progress_.how() == core::progress::mode::snapshot) return stream_snapshot();
  unreachable_ =
      progress_.how() == core::progress::mode::probing && progress_.next_index() == asked;
}

void replicator::on_error(uint64_t ticket) {
  if (progress_.on_failure(ticket)) unreachable_ = true;
}

// -- time -----------------------------------------------------------------------------------------

void replicator::on_tick(const tick& t) {
  if (commit_notice_.on_tick(self_, t)) tell_commit();
  if (!heartbeat_.on_tick(self_, t)) return;
  const auto now = self_->clock().now();
  if (progress_.on_time(now, options_.timing.rpc_timeout())) unreachable_ = true;
  const auto due = last_sent_ + options_.timing.heartbeat_interval;
  if (now >= due) {
    unreachable_ = false;
    pump();
    if (last_sent_ != now && options_.heartbeats) send(progress_.heartbeat(), {});
  }
  const auto since = options_.heartbeats ? last_sent_ : now;
  heartbeat_.set(self_, since + options_.timing.heartbeat_interval);
}

replicator_status replicator::on_status() const {
  const auto since =
      std::chrono::duration_cast<std::chrono::milliseconds>(self_->clock().now() - last_ack_);
  const char* state = replaced_                                          ? "replaced"
                      : refuses_                                         ? "refuses"
                      : unreachable_                                     ? "unreachable"
                      : streamer_                                        ? "snapshot"
                      : progress_.how() == core::progress::mode::probing ? "probing"
                                                                         : "streaming";
  return {{options_.peer, progress_.matched().index, state, static_cast<uint64_t>(since.count()),
           progress_.in_flight()}};
}

replicator_actor::behavior_type replicator_behavior(
    replicator_actor::stateful_pointer<replicator_state> self, replicator_options options) {
  self->state.me = std::make_unique<replicator>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const replicate& m) { me->on_replicate(m); },
      [me](const confirm& m) { me->on_confirm(m); },
      [me](const streamed& m) { me->on_streamed(m); },
      [me](const status_request&) { return me->on_status(); },
      [me](const configure& m) { me->on_configure(m); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
