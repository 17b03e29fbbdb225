#include "actors/snapshot_fetcher.h"

#include <algorithm>

#include "actors/core/chunk_cursor.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

using self_ptr = snapshot_fetcher_actor::stateful_pointer<snapshot_fetcher_state>;

// A thin link may need more than the first patience.
constexpr int most_tries = 4;
// Longer ones are those of a link that is cut.
constexpr duration longest_patience = std::chrono::minutes(2);
// For a member to make a snapshot. One that takes longer is found when it is asked again.
constexpr duration patience_to_make = std::chrono::seconds(5);

void ask_next(self_ptr self);
void ask_for_piece(self_ptr self, uint64_t offset);
void keep(self_ptr self, uint64_t offset, std::string bytes);

void finish(self_ptr self, std::optional<storage::snapshot_meta> meta) {
  self->state.asked.deliver(fetched_snapshot{std::move(meta)});
  self->quit();
}

void ask_in_time(self_ptr self) {
  auto& state = self->state;
  if (!state.pace.may_go(self->clock().now())) return state.again.set(self, state.pace.next());
  ask_for_piece(self, state.next);
}

// What was there already is not asked for again.
void on_staged(self_ptr self, const staged& s, uint64_t asked_for) {
  if (s.whole) return finish(self, s.whole);
  if (s.wanted <= asked_for) return ask_next(self);
  // All of it came, and whether it is what it should be is no question to the member.
  if (s.wanted == self->state.what.size) return keep(self, s.wanted, {});
  self->state.next = s.wanted;
  ask_in_time(self);
}

void keep(self_ptr self, uint64_t offset, std::string bytes) {
  auto& state = self->state;
  self->request(state.options.sink, caf::infinite,
                stage{state.options.cluster, state.what, offset, std::move(bytes), 0})
      .then([self, offset](const staged& s) { on_staged(self, s, offset); },
            [self](const caf::error&) { ask_next(self); });
}

void on_piece(self_ptr self, uint64_t offset, const backup_reply& reply) {
  auto& state = self->state;
  if (state.what == snapshot_name{}) {
    state.what = reply.of;
    TROUPE_EVENT(info) << "fetches the snapshot up to " << reply.of.last << ", of " << reply.of.size
                       << " bytes, from n" << state.from;
  }
  const auto& last = reply.of.last;
  const bool of_use = last.index >= state.options.least && last.leader <= state.options.greatest;
  if (reply.of != state.what || !of_use) return ask_next(self);
  state.tries = 0;
  state.pace.went(reply.bytes.size(), self->clock().now());
  keep(self, offset, reply.bytes);
}

void on_no_piece(self_ptr self, uint64_t offset, const caf::error& e) {
  auto& state = self->state;
  if (e != caf::sec::request_timeout || ++state.tries == most_tries) return ask_next(self);
  state.patience = std::min(2 * state.patience, longest_patience);
  ask_for_piece(self, offset);
}

void ask_for_piece(self_ptr self, uint64_t offset) {
  auto& state = self->state;
  self->request(state.link, state.patience, backup_request{state.what, offset})
      .then([self, offset](const backup_reply& reply) { on_piece(self, offset, reply); },
            [self, offset](const caf::error& e) { on_no_piece(self, offset, e); });
}

void have_one_made(self_ptr self) {
  auto& state = self->state;
  const admin_request order{request_id(), snapshot_now{state.from}, patience_to_make, 0};
  self->request(state.link, patience_to_make + state.options.timing.rpc_timeout(), order)
      .then(
          [self](const admin_reply& r) {
            r.code == raft_errc::none ? ask_for_piece(self, 0) : ask_next(self);
          },
          [self](const caf::error&) { ask_next(self); });
}

// Is it there, and how far does its snapshot go?
void look_at(self_ptr self) {
  auto& state = self->state;
  self->request(state.link, state.options.timing.rpc_timeout(), status_request{})
      .then(
          [self](const status& s) {
            const auto least = std::max(self->state.options.least, log_index(1));
            if (s.applied < least) return ask_next(self);
            s.snapshot < least ? have_one_made(self) : ask_for_piece(self, 0);
          },
          [self](const caf::error&) { ask_next(self); });
}

void ask_next(self_ptr self) {
  auto& state = self->state;
  if (state.options.members.empty()) return finish(self, {});
  std::tie(state.from, state.link) = std::move(state.options.members.back());
  state.options.members.pop_back();
  state.what = {};
  state.tries = 0;
  state.patience = state.options.timing.rpc_timeout(byte_count(core::chunk_cursor::longest));
  state.link ? look_at(self) : ask_next(self);
}

}  // namespace

snapshot_fetcher_state::~snapshot_fetcher_state() {
  if (asked.pending()) asked.deliver(make_error(raft_errc::shutting_down));
}

snapshot_fetcher_actor::behavior_type snapshot_fetcher(self_ptr self, fetcher_options options) {
  self->state.pace = core::pace(options.rate);
  self->state.options = std::move(options);
  return {
      [=](const fetch_snapshot&) -> caf::result<fetched_snapshot> {
        auto promise = self->make_response_promise<fetched_snapshot>();
        self->state.asked = promise;
        ask_next(self);
        return promise;
      },
      [=](const tick& t) {
        if (self->state.again.on_tick(self, t)) ask_in_time(self);
      },
  };
}

}  // namespace troupe
