#include "actors/log_store.h"

#include <algorithm>

#include "actors/core/pace.h"
#include "actors/membership_codec.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

using self_ptr = log_store_actor::stateful_pointer<log_store_state>;

constexpr byte_count scan_chunk = MiB(8);
// Short enough that a write does not wait long behind it.
constexpr byte_count scrub_chunk = KiB(256);
// In so many parts, each of at least so many entries.
constexpr uint64_t purge_parts = 64, least_purge = 1000;
constexpr duration purge_pause = std::chrono::milliseconds(20);

// Remembers the memberships in `batches`, which were just appended or read at start.
bool note_memberships(log_store_state& state, std::span<const batch_ptr> batches) {
  for (const batch_ptr& b : batches) {
    if (b->kind() != batch_kind::membership) continue;
    auto members = decode_membership(*b->entries().begin());
    if (!members) return false;
    if (b->first_index() == log_index(1)) state.cluster = b->checksum();
    state.memberships.emplace_back(b->last(), std::move(*members));
  }
  return true;
}

void forget_memberships_after(log_store_state& state, log_index last) {
  auto& all = state.memberships;
  while (!all.empty() && all.back().first.index > last) all.pop_back();
  if (last < log_index(1)) state.cluster = 0;
}

log_state describe(const log_store_state& state) {
  const auto& s = *state.storage;
  auto lost = s.lost();
  // Who lost the first entry, or the snapshot that has it, is in its cluster all the same.
  auto cluster = state.cluster == 0 && lost ? lost->first : state.cluster;
  if (cluster == 0 && s.purged().last) cluster = s.first();
  return {s.saved_vote(),  s.purged().last, s.tail(),        s.runs(),   state.memberships, cluster,
          s.incarnation(), s.joined(),      std::move(lost), state.full, state.compacted};
}

// What is known of the log only from the snapshot that it goes on from.
absl::Status begin_from(log_store_state& state, const storage::snapshot_meta& from) {
  const auto purged = state.storage->purged().last.index;
  state.cluster = from.cluster;
  state.storage->came_behind(from.cluster);
  state.compacted = holds(*state.storage, from.last.last) ? from.last.last.index : purged;
  if (from.membership_at.index > purged) return absl::OkStatus();
  auto members = decode_membership(from.membership);
  if (!members) return absl::DataLossError("the membership in a snapshot cannot be decoded");
  auto& all = state.memberships;
  std::erase_if(all, [&](const auto& m) { return m.first.index <= purged; });
  all.emplace(all.begin(), from.membership_at, std::move(*members));
  return absl::OkStatus();
}

absl::Status begin(log_store_state& state, const log_beginning& b) {
  const bool lacks = !b.lost.empty();
  if (!lacks)
    if (auto status = join(*state.storage, b.newest); !status.ok()) return status;
  // Where it lacks its beginning, the newest is too old: the members then are not those of now.
  const auto& from = lacks ? b.damaged : b.newest;
  return from ? begin_from(state, *from) : absl::OkStatus();
}

// What a trace follows a write by.
request_id request_of(const std::vector<batch_ptr>& batches) {
  return batches.empty() ? request_id{} : batches.front()->request();
}

// The node cannot go on: whoever is linked ends as well.
caf::error fail(self_ptr self, const absl::Status& why) {
  TROUPE_EVENT(error) << "log store stops: " << why.ToString();
  self->state.board->fail(raft_errc::storage_failed, why.ToString());
  const auto error = make_error(raft_errc::storage_failed);
  self->quit(error);
  return error;
}

caf::result<log_state> on_save_vote(self_ptr self, const save_vote& m) {
  auto& s = *self->state.storage;
  TROUPE_SPAN(debug, "log_store.save_vote", "wanted=" << m.wanted << " saved=" << s.saved_vote());
  if (auto status = s.save_vote(m.wanted); !status.ok()) return fail(self, status);
  return describe(self->state);
}

absl::Status write(log_store_state& state, const append& m) {
  auto& s = *state.storage;
  if (m.truncate_after) {
    if (auto status = s.truncate_after(*m.truncate_after); !status.ok()) return status;
    forget_memberships_after(state, *m.truncate_after);
    state.board->post([&](metrics& b) { b.found = std::min(b.found, *m.truncate_after); });
  }
  if (m.batches.empty()) return absl::OkStatus();
  if (auto status = s.append(m.batches); !status.ok()) return status;
  if (!note_memberships(state, m.batches))
    return absl::DataLossError("a membership entry cannot be decoded");
  return absl::OkStatus();
}

absl::Status look_for_room(log_store_state& state) {
  auto& s = *state.storage;
  if (!s.has_room())
    if (auto status = s.make_room(); !status.ok()) return status;
  const bool full = !s.has_room();
  if (full == std::exchange(state.full, full)) return absl::OkStatus();
  if (full)
    TROUPE_EVENT(warn) << "the disk is full: no commands are taken until there is room again";
  else
    TROUPE_EVENT(info) << "there is room on the disk again";
  return absl::OkStatus();
}

void on_sync(self_ptr self) {
  auto& state = self->state;
  TROUPE_SPAN(trace, "log_store.sync", "appends=" << state.unsynced.size());
  auto status = state.storage->sync();
  if (status.ok()) status = look_for_room(state);
  if (!status.ok()) {
    fail(self, status);
    return;
  }
  const flushed fact{state.storage->tail().last, state.full};
  state.board->post([&](metrics& b) {
    b.last = fact.last;
    b.disk_full = fact.full;
    ++b.totals.syncs;
    b.totals.appends += state.unsynced.size();
  });
  for (auto& promise : std::exchange(state.unsynced, {})) promise.deliver(fact);
}

caf::result<flushed> on_append(self_ptr self, const append& m) {
  auto& state = self->state;
  TROUPE_SPAN(trace, "log_store.append",
              "fence=" << m.fence << " batches=" << m.batches.size()
                       << " request=" << request_of(m.batches));
  if (m.fence != state.storage->saved_vote()) {
    TROUPE_EVENT(debug) << "fenced " << m.fence << ", saved=" << state.storage->saved_vote();
    return make_error(raft_errc::fenced);
  }
  if (auto status = write(state, m); !status.ok()) return fail(self, status);
  TROUPE_EVENT(trace) << "written up to " << state.storage->tail().last;
  auto promise = self->make_response_promise<flushed>();
  state.unsynced.push_back(promise);
  // All appends that the mailbox holds now share one sync: the message to itself comes after them.
  if (self->mailbox().empty())
    on_sync(self);
  else if (state.unsynced.size() == 1)
    self->send(self, sync_now{});
  return promise;
}

caf::result<log_slice> on_read(self_ptr self, const read_log& m) {
  auto batches = self->state.storage->read(m.from, m.most);
  if (batches.ok()) return log_slice{std::move(*batches)};
  if (absl::IsOutOfRange(batches.status())) return make_error(raft_errc::invalid);
  return fail(self, batches.status());
}

caf::result<log_slice> on_find(self_ptr self, const find_batches& m) {
  auto batches = self->state.storage->find(m.wanted, m.most);
  if (batches.ok()) return log_slice{std::move(*batches)};
  return fail(self, batches.status());
}

void scrub_later(self_ptr self) {
  auto& state = self->state;
  if (!state.scrub) return;
  const auto pause = core::time_for(scrub_chunk.value, state.scrub);
  state.scrub_again.set(self, self->clock().now() + pause);
}

// Finds the memberships in the log, from `at` on.
absl::Status scan(log_store_state& state, log_index at) {
  auto& s = *state.storage;
  while (at <= s.tail().last.index) {
    auto batches = s.read(at, scan_chunk);
    if (!batches.ok()) return batches.status();
    if (!note_memberships(state, *batches))
      return absl::DataLossError("a membership entry cannot be decoded");
    at = batches->back()->last_index().next();
  }
  return absl::OkStatus();
}

// -- snapshots ------------------------------------------------------------------------------------

// The one that was in force where the log now begins stays.
void forget_memberships_up_to(log_store_state& state, log_index purged) {
  auto& all = state.memberships;
  const auto later =
      std::ranges::find_if(all, [&](const auto& m) { return m.first.index > purged; });
  if (later - all.begin() > 1) all.erase(all.begin(), later - 1);
}

// The next part; true when that was the last.
absl::StatusOr<bool> purge_some(log_store_state& state) {
  const auto& p = state.purging;
  const auto purged = [&] { return state.storage->purged().last.index; };
  const auto next = std::min(p.upto, std::max(purged(), state.purging.from) + p.step);
  if (auto status = state.storage->purge(next); !status.ok()) return status;
  state.purging.from = next;
  forget_memberships_up_to(state, purged());
  return next == p.upto;
}

void purge_on(self_ptr self) {
  auto& state = self->state;
  auto& p = state.purging;
  const auto last = purge_some(state);
  if (!last.ok()) {
    const auto error = fail(self, last.status());
    for (auto& promise : std::exchange(p.waiting, {})) promise.deliver(error);
    return;
  }
  if (!*last) return p.next.set(self, self->clock().now() + purge_pause);
  for (auto& promise : std::exchange(p.waiting, {})) promise.deliver(describe(state));
}

caf::result<log_state> on_purge(self_ptr self, const purge_log& m) {
  auto& p = self->state.purging;
  const auto purged = self->state.storage->purged().last.index;
  p.upto = std::max(p.upto, m.upto);
  p.from = purged;
  p.step = std::max(least_purge, (p.upto - std::min(purged, p.upto).value).value / purge_parts);
  auto promise = self->make_response_promise<log_state>();
  p.waiting.push_back(promise);
  purge_on(self);
  return promise;
}

caf::result<log_state> on_reset(self_ptr self, const reset_log& m) {
  auto& state = self->state;
  if (m.fence != state.storage->saved_vote()) return make_error(raft_errc::fenced);
  if (!holds(*state.storage, m.to.last.last)) state.memberships.clear();
  auto status = join(*state.storage, m.to);
  if (status.ok()) status = begin_from(state, m.to);
  if (!status.ok()) return fail(self, status);
  state.board->post([&](metrics& b) {
    b.last = state.storage->tail().last;
    b.found = std::min(b.found, b.last.index);
  });
  return describe(state);
}

void on_tick(self_ptr self, const tick& t) {
  auto& state = self->state;
  if (state.purging.next.on_tick(self, t)) return purge_on(self);
  if (!state.scrub_again.on_tick(self, t)) return;
  if (const auto all_seen = state.storage->scrub(scrub_chunk); !all_seen.ok()) {
    fail(self, all_seen.status());
    return;
  }
  scrub_later(self);
}

caf::result<restored> on_restore(self_ptr self, const restore_log& m) {
  auto& state = self->state;
  auto& s = *state.storage;
  const auto before = s.tail().last.index;
  if (auto status = s.keep_aside(m.found); !status.ok()) return fail(self, status);
  const auto missing = s.restore();
  if (!missing.ok()) return fail(self, missing.status());
  auto status = scan(state, before.next());
  if (status.ok()) status = look_for_room(state);
  if (!status.ok()) return fail(self, status);
  state.board->post([&](metrics& b) { b.last = s.tail().last; });
  return restored{describe(state), *missing};
}

}  // namespace

log_store_state::~log_store_state() {
  for (auto& promise : unsynced) promise.deliver(make_error(raft_errc::storage_failed));
  for (auto& promise : purging.waiting) promise.deliver(make_error(raft_errc::storage_failed));
}

log_store_actor::behavior_type log_store(self_ptr self,
                                         std::shared_ptr<storage::log_storage> storage,
                                         log_beginning beginning, std::shared_ptr<observed> board,
                                         byte_count scrub) {
  self->state.storage = std::move(storage);
  self->state.board = std::move(board);
  self->state.scrub = scrub;
  auto& state = self->state;
  auto status = begin(state, beginning);
  if (status.ok()) status = scan(state, state.storage->purged().last.index.next());
  if (status.ok()) status = look_for_room(self->state);
  if (!status.ok()) fail(self, status);
  scrub_later(self);
  return {
      [=](const describe_log&) { return describe(self->state); },
      [=](const save_vote& m) { return on_save_vote(self, m); },
      [=](const append& m) { return on_append(self, m); },
      [=](const read_log& m) { return on_read(self, m); },
      [=](const restore_log& m) { return on_restore(self, m); },
      [=](const find_batches& m) { return on_find(self, m); },
      [=](const purge_log& m) { return on_purge(self, m); },
      [=](const reset_log& m) { return on_reset(self, m); },
      [=](const sync_now&) { on_sync(self); },
      [=](const tick& t) { on_tick(self, t); },
  };
}

}  // namespace troupe
