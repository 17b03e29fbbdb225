#include "testing/client.h"

namespace troupe::sim {
namespace {

using self_ptr = caf::stateful_actor<client_state>*;

node_id any_node(client_state& state) {
  auto it = state.options.links.begin();
  std::advance(it, static_cast<ptrdiff_t>(state.options.chance->below(state.options.links.size())));
  return it->first;
}

void finish(self_ptr self, oracle::operation op, const outcome& o) {
  auto& state = self->state;
  --state.open;
  state.options.truth->end(op, o);
  const bool hint = o.code == raft_errc::not_leader && state.options.links.contains(o.leader);
  if (hint && state.options.chance->chance(0.9))
    state.target = o.leader;
  else if (o.code != raft_errc::none)
    state.target = any_node(state);
}

template <class Message>
void send(self_ptr self, oracle::operation op, Message m) {
  auto& o = self->state.options;
  m.id = request_id(o.number << 48 | ++self->state.requests);
  ++self->state.open;
  const auto deadline = o.chance->between(std::chrono::milliseconds(200), std::chrono::seconds(2));
  self->request(o.links.at(self->state.target), deadline, std::move(m))
      .then([=](const outcome& answer) { finish(self, op, answer); },
            [=](const caf::error& e) {
              outcome answer;
              answer.code = code_of(e, raft_errc::outcome_unknown);
              // An error says that the request got lost on the way, there or back.
              if (answer.code == raft_errc::not_leader) answer.code = raft_errc::outcome_unknown;
              finish(self, op, answer);
            });
}

void begin_one(self_ptr self) {
  auto& o = self->state.options;
  if (o.chance->chance(0.6)) {
    const auto op = o.truth->begin_write(o.chance->chance(0.8) ? 1 : o.chance->between(2, 5));
    propose m;
    for (const auto command : o.truth->commands_of(op))
      m.commands.add(encode_command(command, o.chance->below(o.padding_max + 1)));
    send(self, op, std::move(m));
    return;
  }
  read m;
  m.queries.add("list");
  m.mode = o.chance->one_of(o.reads);
  send(self, o.truth->begin_read(m.mode), std::move(m));
}

void on_tick(self_ptr self) {
  auto& o = self->state.options;
  if (*o.stopped) return;
  if (self->state.open < o.most_open) begin_one(self);
  if (o.chance->chance(0.02)) self->state.target = any_node(self->state);
  self->delayed_send(self, o.chance->between(o.think_min, o.think_max), client_tick{});
}

}  // namespace

caf::behavior client(self_ptr self, client_options options) {
  self->state.options = std::move(options);
  self->state.target = any_node(self->state);
  self->send(self, client_tick{});
  return {[=](const client_tick&) { on_tick(self); }};
}

}  // namespace troupe::sim
