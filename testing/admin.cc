#include "testing/admin.h"

#include "proto/trace.h"

namespace troupe::sim {
namespace {

using self_ptr = caf::stateful_actor<admin_state>*;
using std::chrono::milliseconds;

std::optional<order> think(admin_state& state) {
  auto& o = state.options;
  const auto believed = o.believes();
  if (believed.members.empty()) return std::nullopt;
  if (!*o.calm && o.chance->chance(0.6)) return any_order(*o.chance, believed);
  auto wanted = repair(believed);
  // What is under way does not come to an end while a voter is lost.
  if (wanted && state.last == raft_errc::change_in_progress && o.chance->chance(0.5))
    return order{abort_change{}};
  if (!wanted && !*o.calm) return any_order(*o.chance, believed);
  return wanted;
}

void send(self_ptr self, const order& wanted) {
  auto& o = self->state.options;
  const auto to =
      std::next(o.links.begin(), static_cast<ptrdiff_t>(o.chance->below(o.links.size())));
  const auto patience = o.chance->between(milliseconds(100), milliseconds(1500));
  TROUPE_EVENT(debug) << "SIM an operator asks n" << to->first << " for: " << describe(wanted);
  admin_request m{request_id(uint64_t{1} << 63 | ++self->state.requests), wanted.command, patience};
  self->request(to->second, patience + milliseconds(500), std::move(m))
      .then(
          [=](const admin_reply& r) {
            TROUPE_EVENT(debug) << "SIM the operator hears: " << to_string(r.code) << ' ' << r.why;
            self->state.last = r.code;
            self->state.options.heard(wanted, r);
          },
          [](const caf::error&) { /* it may be done or not */ });
}

void on_tick(self_ptr self) {
  if (const auto wanted = think(self->state)) send(self, *wanted);
  auto& o = self->state.options;
  self->delayed_send(self, o.chance->between(o.think / 10, 2 * o.think), admin_tick{});
}

}  // namespace

caf::behavior admin(self_ptr self, admin_options options) {
  self->state.options = std::move(options);
  self->send(self, admin_tick{});
  return {[=](const admin_tick&) { on_tick(self); }};
}

}  // namespace troupe::sim
