#include "actors/edge.h"

#include "actors/end_after.h"
#include "actors/patience.h"
#include "caf/sec.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

// Messages under way at once; meanwhile the next one grows.
constexpr size_t most_under_way = 4;

// The place in the log of the first of `count` commands of which the last is at `last`.
uint64_t first_of(log_index last, size_t count) { return last.value + 1 - count; }

void tell_committed(intake::load& load, const log_id& last) {
  const auto first = first_of(last.index, load.callbacks.size());
  for (auto& [item, told] : std::exchange(load.on_commit, {}))
    told(load.whole ? last : log_id{last.leader, log_index(first + item)});
}

// `consecutive`: the items have places in the log, next to each other.
void answer_each(intake::load& load, const outcome& o, bool consecutive) {
  answer a{o.code, o.leader, o.index, {}, o.under};
  const size_t count = load.callbacks.size();
  auto result = o.results.begin();
  // It may come from another node, which may have sent anything.
  if (o.code == raft_errc::none && o.results.size() != count) a.code = raft_errc::outcome_unknown;
  const bool have_results = a.code == raft_errc::none;
  if (have_results && consecutive) a.index = log_index(first_of(o.index, count));
  for (auto& done : load.callbacks) {
    if (have_results) a.result = *result++;
    if (done) done(a);
    if (have_results && consecutive) a.index = a.index.next();
  }
}

void answer_load(intake::load& load, const outcome& o, bool consecutive) {
  // Committed at the latest now, whether or not the notice of it came.
  if (o.code == raft_errc::none) tell_committed(load, {o.under, o.index});
  if (load.whole)
    load.whole(o);
  else
    answer_each(load, o, consecutive);
}

}  // namespace

// What no actor took was not done, be it this node's or the leader that it was passed on to; after
// the deadline nobody knows.
raft_errc code_of_failure(const caf::error& e, const observed& board) {
  if (e != caf::sec::request_receiver_down) return code_of(e, raft_errc::outcome_unknown);
  return board.ended() ? board.why_ended() : raft_errc::not_leader;
}

raft_errc code_of(waited how, const observed& board) {
  switch (how) {
    case waited::ok:
      return raft_errc::none;
    case waited::timed_out:
      return raft_errc::outcome_unknown;
    case waited::busy:
      return raft_errc::busy;
    case waited::shutting_down:
      break;
  }
  return board.why_ended();
}

edge::~edge() {
  const auto why = options_.board->why_ended();
  for (auto* in : {&options_.from->writes, &options_.from->reads})
    for (auto& load : in->close()) answer_load(load, outcome{{}, why, {}, {}, {}}, false);
  for (auto* under_way : {&writes_, &reads_})
    for (auto& [id, load] : *under_way)
      answer_load(load, outcome{id, raft_errc::outcome_unknown, {}, {}, {}}, false);
}

request_id edge::next_id() { return request_id(options_.node.value << 48 | ++requests_); }

void edge::on_wake() {
  send_writes();
  send_reads();
}

void edge::send_writes() {
  while (writes_.size() < most_under_way) {
    auto load = options_.from->writes.take();
    if (!load) return;
    propose m{next_id(), std::move(load->items)};
    m.only_under = load->under.only_under;
    m.notify_commit = !load->on_commit.empty();
    m.patience = load->under.deadline;
    const bool last = load->last;
    submit(std::move(*load), writes_, std::move(m));
    if (last) return;
  }
}

void edge::send_reads() {
  while (reads_.size() < most_under_way) {
    auto load = options_.from->reads.take();
    if (!load) return;
    read m{next_id(), std::move(load->items), load->under.mode};
    m.patience = load->under.deadline;
    const bool last = load->last;
    submit(std::move(*load), reads_, std::move(m));
    if (last) return;
  }
}

template <class Message>
void edge::submit(intake::load load, loads& under_way, Message message) {
  const auto id = message.id;
  const auto deadline = bounded(load.under.deadline);
  under_way.emplace(id, std::move(load));
  self_->request(options_.server, deadline, std::move(message))
      .then([this, id, &under_way](const outcome& o) { finish(under_way, id, o); },
            [this, id, &under_way](const caf::error& e) {
              finish(under_way, id, outcome{id, code_of_failure(e, *options_.board), {}, {}, {}});
            });
}

// Comes before the outcome, if it comes at all: from the leader, not from its machine.
void edge::on_committed(const committed& m) {
  const auto it = writes_.find(m.id);
  if (it != writes_.end()) tell_committed(it->second, m.at);
}

void edge::finish(loads& under_way, request_id id, const outcome& o) {
  auto load = std::move(under_way.extract(id).mapped());
  // Clients often send the next from the callback.
  options_.from->writes.rouse();
  options_.from->reads.rouse();
  answer_load(load, o, &under_way == &writes_);
  on_wake();
}

edge_actor::behavior_type edge_behavior(edge_actor::stateful_pointer<edge_state> self,
                                        edge_options options) {
  end_after(self, options.outlives);
  options.outlives.clear();
  self->state.me = std::make_unique<edge>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const wake&) { me->on_wake(); },
      [me](const committed& m) { me->on_committed(m); },
  };
}

}  // namespace troupe
