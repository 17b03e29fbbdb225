#include "actors/edge.h"

#include "caf/typed_event_based_actor.hpp"
#include "proto/check.h"
#include "proto/trace.h"

namespace troupe {
namespace {

// What may wait in one intake. Also the most that one proposal holds.
constexpr size_t intake_bound = 32 << 20;
// Messages under way at once; meanwhile the next one grows.
constexpr size_t most_under_way = 4;

void answer_all(intake::load& load, const outcome& o) {
  answer a{o.code, o.leader, o.index, {}};
  auto result = o.results.begin();
  // It may come from another node, which may have sent anything.
  if (o.code == raft_errc::none && o.results.size() != load.callbacks.size())
    a.code = raft_errc::outcome_unknown;
  const bool have_results = a.code == raft_errc::none;
  for (auto& done : load.callbacks) {
    if (have_results) a.result = *result++;
    done(a);
  }
}

}  // namespace

// -- intake ---------------------------------------------------------------------------------------

intake::pushed intake::push(std::string_view item, callback&& done) {
  std::lock_guard lock(mutex_);
  if (closed_) return pushed::closed;
  if (item.size() > intake_bound) return pushed::too_large;
  if (load_.items.bytes().size() + item.size() > intake_bound) return pushed::full;
  load_.items.add(item);
  load_.callbacks.push_back(std::move(done));
  return std::exchange(awake_, true) ? pushed::more : pushed::first;
}

void intake::rouse() {
  std::lock_guard lock(mutex_);
  awake_ = true;
}

intake::load intake::take() {
  std::lock_guard lock(mutex_);
  awake_ = false;
  return std::exchange(load_, {});
}

intake::load intake::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  return std::exchange(load_, {});
}

// -- edge -----------------------------------------------------------------------------------------

edge::~edge() {
  for (auto* in : {&options_.from->writes, &options_.from->reads}) {
    auto load = in->close();
    answer_all(load, outcome{{}, raft_errc::shutting_down, {}, {}, {}});
  }
  for (auto* under_way : {&writes_, &reads_})
    for (auto& [id, load] : *under_way)
      answer_all(load, outcome{id, raft_errc::outcome_unknown, {}, {}, {}});
}

request_id edge::next_id() { return request_id(options_.node.value << 48 | ++requests_); }

void edge::on_wake() {
  if (writes_.size() < most_under_way) {
    auto load = options_.from->writes.take();
    propose m{next_id(), std::move(load.items)};
    if (!m.commands.empty()) submit(std::move(load), writes_, std::move(m));
  }
  if (reads_.size() < most_under_way) {
    auto load = options_.from->reads.take();
    read m{next_id(), std::move(load.items)};
    if (!m.queries.empty()) submit(std::move(load), reads_, std::move(m));
  }
}

template <class Message>
void edge::submit(intake::load load, loads& under_way, Message message) {
  const auto id = message.id;
  under_way.emplace(id, std::move(load));
  self_->request(options_.server, options_.deadline, std::move(message))
      .then([this, id, &under_way](const outcome& o) { finish(under_way, id, o); },
            [this, id, &under_way](const caf::error& e) {
              // What no actor took was not proposed; after the deadline nobody knows.
              const auto otherwise = e == caf::sec::request_receiver_down
                                         ? raft_errc::not_leader
                                         : raft_errc::outcome_unknown;
              finish(under_way, id, outcome{id, code_of(e, otherwise), {}, {}, {}});
            });
}

void edge::finish(loads& under_way, request_id id, const outcome& o) {
  auto load = std::move(under_way.extract(id).mapped());
  // Clients often send the next from the callback.
  options_.from->writes.rouse();
  options_.from->reads.rouse();
  answer_all(load, o);
  on_wake();
}

edge_actor::behavior_type edge_behavior(edge_actor::stateful_pointer<edge_state> self,
                                        edge_options options) {
  self->state.me = std::make_unique<edge>(self, std::move(options));
  return {[me = self->state.me.get()](const wake&) { me->on_wake(); }};
}

}  // namespace troupe
