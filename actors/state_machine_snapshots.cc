// The state_machine and snapshots: when one is made, and how one takes the place of the state.
#include "actors/state_machine.h"
#include "actors/tell.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

void state_machine::note(const batch& b) {
  tail_ = b.tail();
  if (b.first_index() == log_index(1)) cluster_ = b.checksum();
  if (b.kind() == batch_kind::membership) {
    membership_at_ = b.last();
    membership_ = std::string(*b.entries().begin());
  }
  since_.entries += b.last_index().next().value - b.first_index().value;
  since_.bytes += b.size().value;
}

// -- making ---------------------------------------------------------------------------------------

void state_machine::make_in_time() {
  const bool free = options_.sink && !build_ && usable() && !failed_ && is_at_applied();
  const bool due = (wanted_ && applied_) || core::snapshot_is_due(options_.compaction, since_);
  if (!free || !due) return;
  if (self_->clock().now() >= not_before_) begin_to_make();
}

caf::result<made_snapshot> state_machine::on_make_snapshot() {
  if (!options_.sink || !usable() || failed_) return make_error(raft_errc::busy);
  if (!build_) {
    if (applied_ == log_index()) return make_error(raft_errc::not_ready);
    if (applied_ == snapshot_) return made_snapshot{snapshot_};
    if (!is_at_applied()) return make_error(raft_errc::busy);
    if (const auto why = begin_to_make(); why != raft_errc::none) return make_error(why);
  }
  return waiting_for_it_.emplace_back(self_->make_response_promise<made_snapshot>());
}

std::unique_ptr<snapshot_source> state_machine::begin_source() {
  try {
    return options_.hosted->begin_snapshot();
  } catch (const std::exception& e) {
    TROUPE_EVENT(warn) << "the machine cannot begin a snapshot: " << e.what();
  } catch (...) {
    TROUPE_EVENT(warn) << "the machine cannot begin a snapshot: an exception";
  }
  return nullptr;
}

raft_errc state_machine::begin_to_make() {
  auto from = begin_source();
  if (!from) {
    make_later();
    return raft_errc::busy;
  }
  before_ = since_;
  since_ = {0, byte_count(0), before_.size};
  snapshot_build::options o;
  o.meta = {tail_, membership_at_, membership_, cluster_};
  o.rate = options_.compaction.snapshot_rate;
  o.likely_size = before_.size.value;
  o.sink = options_.sink;
  o.board = options_.board;
  o.done = [this](raft_errc how) { on_made(how); };
  build_ = std::make_shared<snapshot_build>(self_, std::move(from), std::move(o));
  build_->begin();
  return raft_errc::none;
}

// It was deferred or given up. To begin one may cost much, so that is tried ever more rarely.
void state_machine::make_later() {
  const auto pause = make_backoff_.next();
  not_before_ = self_->clock().now() + pause;
  self_->delayed_send(self_, pause, build_on{});
}

void state_machine::on_made(raft_errc how) {
  const auto made = std::exchange(build_, nullptr);
  if (how == raft_errc::none) {
    snapshot_ = made->meta().last.last.index;
    since_.size = byte_count(made->bytes());
    wanted_ = false;
    make_backoff_.reset();
  } else {
    make_later();
    since_.entries += before_.entries;
    since_.bytes += before_.bytes.value;
  }
  for (auto& promise : std::exchange(waiting_for_it_, {}))
    how == raft_errc::none ? promise.deliver(made_snapshot{snapshot_})
                           : promise.deliver(make_error(how));
  make_in_time();  // it may have become due again meanwhile
}

// That of the machine's state, which is as good as ever.
void state_machine::on_snapshot_lost(const snapshot_lost& m) {
  if (snapshot_ > m.of.index) return;
  snapshot_ = {};
  wanted_ = true;
  make_in_time();
}

// -- restoring ------------------------------------------------------------------------------------

machine_state state_machine::on_watch_state() {
  watcher_ = self_->current_sender();
  return {lost_.has_value(), lost_.value_or("")};
}

// While a snapshot is put into it, a state that was lost still is.
void state_machine::be(state next, const std::string& why) {
  state_ = next;
  if (next == state::restoring || (next == state::usable && !lost_)) return;
  lost_.reset();
  if (next == state::lost) {
    lost_ = why;
    TROUPE_EVENT(warn) << "the machine's state is lost: " << why;
  }
  options_.board->post([&](metrics& m) { m.state_lost = lost_.value_or(""); });
  tell(self_, watcher_, machine_state{lost_.has_value(), why});
}

void state_machine::go_on_as(state next, const std::string& why) {
  be(next, why);
  if (std::exchange(restore_again_, false)) return on_restore_state();
  advance();
  report();
}

// One that is being made would come too late, and must not be read any more.
void state_machine::on_restore_state() {
  if (state_ == state::restoring) {
    restore_again_ = true;
    return;
  }
  be(state::restoring);
  if (build_) on_made(raft_errc::busy);
  self_->request(options_.sink, caf::infinite, open_snapshot{})
      .then([this](const opened_snapshot& o) { restore_from(o); },
            [this](const caf::error& e) {
              if (code_of(e, raft_errc::storage_failed) == raft_errc::not_allowed)
                return on_damaged({}, "there is no snapshot that can be read");
              options_.board->fail(raft_errc::storage_failed, "the newest snapshot cannot be read");
              self_->quit(e);
            });
}

// It may be lost while it is restored, so it is noted before.
void state_machine::restore_from(const opened_snapshot& o) {
  snapshot_ = o.from->meta().last.last.index;
  wanted_ = false;
  if (o.from->meta().last.last.index <= std::max(applied_, held_)) return on_restored({}, *o.from);
  const bool own_thread = options_.storage_blocks || options_.hosted->blocks();
  const auto to = own_thread
                      ? self_->spawn<caf::linked + caf::detached>(restorer, options_.board, true)
                      : self_->spawn<caf::linked>(restorer, options_.board, false);
  self_->request(to, caf::infinite, restore_machine{options_.hosted, o.from, stop_restoring_})
      .then([this, from = o.from](const restored_machine& r) { on_restored(r, *from); },
            [this](const caf::error& e) { self_->quit(e); });
}

void state_machine::on_restored(const restored_machine& r, const storage::snapshot_reader& from) {
  if (!r.how.ok()) {
    if (r.touched) return fail(std::string(r.how.message()));
    if (absl::IsDataLoss(r.how))
      return on_damaged(from.meta().last.last, std::string(r.how.message()));
    TROUPE_EVENT(error) << "the newest snapshot cannot be used: " << r.how.message();
    options_.board->fail(raft_errc::storage_failed, std::string(r.how.message()));
    self_->quit(make_error(raft_errc::storage_failed));
    return;
  }
  if (from.meta().last.last.index > applied_) {
    go_on_from(from.meta());
    since_.size = byte_count(from.size());
  }
  go_on_as(state::usable);
}

void state_machine::go_on_from(const storage::snapshot_meta& meta) {
  applied_ = meta.last.last.index;
  committed_ = std::max(committed_, applied_);
  tail_ = meta.last;
  membership_at_ = meta.membership_at;
  membership_ = meta.membership;
  cluster_ = meta.cluster;
  since_ = {};
  TROUPE_EVENT(info) << "the machine is what the snapshot up to " << meta.last.last << " says"
                     << (is_at_applied() ? "" : ", and what came behind it");
}

// The log may go back far enough to do without.
void state_machine::on_damaged(const log_id& snapshot, const std::string& why) {
  const auto ask_log = [this, why] {
    self_->request(options_.log, caf::infinite, read_log{applied_.next(), byte_count(0)})
        .then([this](const log_slice&) { go_on_as(state::usable); },
              [this, why](const caf::error&) { go_on_as(state::lost, why); });
  };
  self_->request(options_.sink, caf::infinite, set_aside{snapshot, why})
      .then([ask_log](const done&) { ask_log(); }, [ask_log](const caf::error&) { ask_log(); });
}

}  // namespace troupe
