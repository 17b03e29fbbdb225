#include "actors/snapshot_sink.h"

#include "actors/compression.h"
#include "actors/core/pace.h"
#include "actors/tell.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

using self_ptr = snapshot_sink_actor::stateful_pointer<snapshot_sink_state>;

// Whoever copies the newest asks for the next piece long before.
constexpr duration patience_with_copies = std::chrono::minutes(1);

log_index newest(const snapshot_sink_state& state) {
  const auto& found = state.store->newest();
  return found ? found->meta.last.last.index : log_index();
}

// Between two pieces of what was removed, and between two looks while all that is left is read.
constexpr duration free_pause = std::chrono::milliseconds(20), read_pause = std::chrono::seconds(1);

void free_later(self_ptr self, duration pause = free_pause) {
  auto& state = self->state;
  if (!state.store->removed().empty() && !state.free_again.armed())
    state.free_again.set(self, self->clock().now() + pause);
}

// Whatever is on its way ends here.
void give_up(self_ptr self) {
  auto& state = self->state;
  state.own.reset();
  state.received.reset();
  state.board->post([](metrics& m) { m.receiving = {}; });
  if (auto s = state.store->give_up(); !s.ok())
    TROUPE_EVENT(warn) << "cannot remove a snapshot that will not be finished: " << s.message();
  free_later(self);
}

caf::error fail(self_ptr self, const absl::Status& why) {
  TROUPE_EVENT(warn) << "a snapshot is given up: " << why.message();
  give_up(self);
  if (absl::IsResourceExhausted(why)) self->state.store->removed().free_all();
  return make_error(raft_errc::storage_failed);
}

// What was finished becomes the newest.
absl::Status keep(self_ptr self) {
  auto& state = self->state;
  if (auto s = state.store->keep(); !s.ok()) return s;
  free_later(self);
  state.own.reset();
  state.received.reset();
  state.checked.reset();
  state.board->post([&](metrics& m) { m.snapshot = newest(state), m.receiving = {}; });
  return absl::OkStatus();
}

// -- of this node ---------------------------------------------------------------------------------

caf::result<done> on_begin(self_ptr self, const begin_snapshot& m) {
  auto& state = self->state;
  const auto& end = m.meta.last.last.index;
  if (end <= newest(state)) return make_error(raft_errc::not_allowed);
  // What it was sent and did not get to the end may have come as entries since.
  if (state.received && end < state.received->name.last.index) return make_error(raft_errc::busy);
  give_up(self);
  auto to = state.store->begin(m.meta);
  if (!to.ok()) return fail(self, to.status());
  state.own = *std::move(to);
  return done{};
}

caf::result<done> on_add(self_ptr self, const add_to_snapshot& m) {
  auto& state = self->state;
  if (!state.own) return make_error(raft_errc::busy);
  auto status = m.state.empty() ? state.own->finish() : state.own->add(m.state);
  const auto before = newest(state);
  if (status.ok() && m.state.empty()) status = keep(self);
  if (!status.ok()) return fail(self, status);
  if (m.state.empty()) tell(self, state.listener, snapshot_kept{newest(state), before});
  return done{};
}

// -- of a leader ----------------------------------------------------------------------------------

absl::Status begin_to_receive(self_ptr self, const snapshot_name& name, instant now) {
  auto& state = self->state;
  give_up(self);
  auto part = state.store->receive(name);
  if (!part.ok()) return part.status();
  state.received.emplace(
      snapshot_sink_state::incoming{name, *std::move(part), {"receives a snapshot", now}});
  TROUPE_EVENT(info) << "receives a snapshot up to " << name.last << ", of " << name.size
                     << " bytes";
  return absl::OkStatus();
}

// What comes twice, or too early, changes nothing.
absl::Status add(snapshot_sink_state& state, const stage& m, instant now) {
  auto& part = *state.received->part;
  const auto end = m.offset + (m.length != 0 ? m.length : m.bytes.size());
  if (m.offset > part.size() || end <= part.size() || end > m.snapshot.size)
    return absl::OkStatus();
  std::string_view bytes = m.bytes;
  absl::StatusOr<std::string> whole;
  if (m.length != 0) {
    whole = decompress(m.bytes, m.length);
    if (!whole.ok()) return whole.status();
    bytes = *whole;
  }
  if (auto s = part.add(bytes.substr(part.size() - m.offset)); !s.ok()) return s;
  const snapshot_progress so_far{part.size(), m.snapshot.size};
  state.board->post([&](metrics& b) { b.receiving = so_far; });
  state.received->log.note(so_far, now);
  return absl::OkStatus();
}

// It is all there.
caf::result<staged> conclude(self_ptr self, uint64_t cluster) {
  auto& state = self->state;
  const auto name = state.received->name;
  if (auto s = state.received->part->finish(); !s.ok()) return fail(self, s);
  const auto meta = state.store->verify(name);
  if (!meta.ok()) return fail(self, meta.status());
  if (meta->cluster != cluster)
    return fail(self, absl::FailedPreconditionError("it is of another cluster"));
  if (auto s = keep(self); !s.ok()) return fail(self, s);
  return staged{name.size, *meta};
}

caf::result<staged> on_stage(self_ptr self, const stage& m) {
  auto& state = self->state;
  const auto now = self->clock().now();
  // One that was kept may not have been installed, or its sender did not hear of it.
  if (m.snapshot.last.index <= newest(state))
    return staged{m.snapshot.size, state.store->newest()->meta};
  if (!state.received || state.received->name != m.snapshot) {
    if (auto s = begin_to_receive(self, m.snapshot, now); !s.ok()) return fail(self, s);
  }
  if (auto s = add(state, m, now); !s.ok()) return fail(self, s);
  const auto& part = *state.received->part;
  const bool asked = m.bytes.empty() && m.offset == m.snapshot.size;
  if (asked && part.size() == m.snapshot.size) return conclude(self, m.cluster);
  return staged{part.size(), {}};
}

// -- damage ---------------------------------------------------------------------------------------

caf::result<done> on_set_aside(self_ptr self, const set_aside& m) {
  auto& state = self->state;
  const auto& kept = state.store->newest();
  if (!kept || kept->meta.last.last != m.of) return done{};
  state.checked.reset();
  if (auto s = state.store->set_aside(m.why); !s.ok())
    TROUPE_EVENT(warn) << "cannot set a damaged snapshot aside: " << s.message();
  state.board->post([](metrics& b) { b.snapshot = {}; });
  tell(self, state.listener, snapshot_lost{m.of});
  return done{};
}

void scrub_later(self_ptr self) {
  auto& state = self->state;
  if (!state.scrub) return;
  const auto pause = core::time_for(storage::snapshot_writer::block_size, state.scrub);
  state.scrub_again.set(self, self->clock().now() + pause);
}

// The next block, or the first one again.
absl::Status check_some(snapshot_sink_state& state) {
  const auto& kept = state.store->newest();
  if (!kept) return absl::OkStatus();
  if (!state.checked || state.checked->meta().last != kept->meta.last) {
    auto from = state.store->read();
    if (!from.ok()) return from.status();
    state.checked = *std::move(from);
  }
  const auto block = state.checked->next();
  if (!block.ok() || block->empty()) state.checked.reset();
  if (block.ok()) state.unreadable.clear();
  return block.status();
}

void on_unreadable(self_ptr self, const absl::Status& how) {
  auto& state = self->state;
  if (absl::IsDataLoss(how))
    on_set_aside(self, {state.store->newest()->meta.last.last, std::string(how.message())});
  else if (std::exchange(state.unreadable, std::string(how.message())) != how.message())
    TROUPE_EVENT(warn) << "the newest snapshot cannot be read: " << how.message();
}

void on_tick(self_ptr self, const tick& t) {
  if (self->state.copy_is_over.on_tick(self, t)) self->state.copied.reset();
  if (self->state.free_again.on_tick(self, t))
    free_later(self, self->state.store->removed().free_some() ? free_pause : read_pause);
  if (!self->state.scrub_again.on_tick(self, t)) return;
  if (const auto how = check_some(self->state); !how.ok()) on_unreadable(self, how);
  scrub_later(self);
}

// -- reading --------------------------------------------------------------------------------------

caf::result<opened_snapshot> on_open(self_ptr self) {
  auto& state = self->state;
  if (!state.store->newest()) return make_error(raft_errc::not_allowed);
  auto from = state.store->read();
  if (from.ok()) return opened_snapshot{*std::move(from)};
  on_unreadable(self, from.status());
  return make_error(state.store->newest() ? raft_errc::storage_failed : raft_errc::not_allowed);
}

// The one that was asked for last stays open until another one is, or no more of it is wanted, or
// nobody asked for long: its bytes are on the disk for as long, though it may have been replaced.
caf::result<backup_reply> on_backup(self_ptr self, const backup_request& m) {
  auto& state = self->state;
  const bool any = m.of == snapshot_name{};
  if (!state.copied || any || state.copied->name() != m.of) {
    const auto& kept = state.store->newest();
    if (!kept || (!any && kept->name != m.of)) return make_error(raft_errc::not_allowed);
    auto from = state.store->read();
    if (!from.ok()) {
      on_unreadable(self, from.status());
      return make_error(raft_errc::storage_failed);
    }
    state.copied = *std::move(from);
  }
  state.copy_is_over.set(self, self->clock().now() + patience_with_copies);
  auto bytes = state.copied->raw(m.offset, core::chunk_cursor::longest);
  if (!bytes.ok()) return make_error(raft_errc::storage_failed);
  backup_reply reply{state.copied->name(), *std::move(bytes)};
  if (reply.bytes.empty()) state.copied.reset();
  return reply;
}

}  // namespace

snapshot_sink_actor::behavior_type snapshot_sink(self_ptr self,
                                                 std::shared_ptr<storage::snapshot_store> store,
                                                 std::shared_ptr<observed> board,
                                                 byte_count scrub) {
  auto& state = self->state;
  state.store = std::move(store);
  state.board = std::move(board);
  state.scrub = scrub;
  scrub_later(self);
  state.board->post([&](metrics& m) { m.snapshot = newest(state); });
  return {
      [=](const begin_snapshot& m) { return on_begin(self, m); },
      [=](const add_to_snapshot& m) { return on_add(self, m); },
      [=](const stage& m) { return on_stage(self, m); },
      [=](const open_snapshot&) { return on_open(self); },
      [=](const backup_request& m) { return on_backup(self, m); },
      [=](const set_aside& m) { return on_set_aside(self, m); },
      [=](const tell_of_snapshots& m) {
        self->state.listener = m.whom;
        // It may have been found before.
        if (const auto& damaged = self->state.store->damaged())
          tell(self, m.whom, snapshot_lost{damaged->meta ? damaged->meta->last.last : log_id{}});
      },
      [=](const tick& t) { on_tick(self, t); },
  };
}

}  // namespace troupe
