#include "actors/core/rehearsal.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "actors/core/samples.h"

namespace troupe::core {

rehearsal::rehearsal(options o)
    : options_(o),
      random_(o.seed),
      members_(o.voters ? membership({*o.voters}, addresses_of(o.nodes)) : majority_of(o.nodes)),
      now_(time_zero) {
  const duration same = jitter();
  for (const auto& [id, known] : members_.nodes()) {
    node& n = nodes_[id];
    n.id = id;
    n.roll.emplace(o.timing);
    n.number = random_();
    acceptor::state start{id, {}, {}, 7};
    if (id.value <= o.logs.size()) {
      start.saved = won(1, 99);
      start.log.append(led_by(1, 99), log_index(o.logs[id.value - 1]));
      for (uint64_t i = 1; i <= o.logs[id.value - 1]; ++i)
        n.entries.push_back(batch_of(led_by(1, 99), i, i));
    }
    n.voter = std::make_unique<acceptor>(std::move(start), o.timing, o.mode, now_,
                                         o.in_step ? same : jitter());
    arm(n);
  }
}

// -- time -----------------------------------------------------------------------------------------

void rehearsal::run_for(duration d) {
  run_until([] { return false; }, d);
}

bool rehearsal::run_until(const std::function<bool()>& done, duration limit) {
  const instant end = now_ + limit;
  while (!done()) {
    if (events_.empty() || events_.begin()->first > end) {
      now_ = end;
      return done();
    }
    auto next = events_.extract(events_.begin());
    now_ = next.key();
    next.mapped()();
  }
  return true;
}

duration rehearsal::jitter() {
  const auto& t = options_.timing;
  return duration(std::uniform_int_distribution<int64_t>(t.election_timeout_min.count(),
                                                         t.election_timeout_max.count())(random_));
}

void rehearsal::arm(node& n) {
  const auto number = ++n.alarm;
  if (n.leading) return;
  const auto next = n.roll->next(members_, n.id, n.voter->election_deadline(), now_);
  at(std::max(now_, next), [this, &n, number] {
    if (n.alarm == number) look(n);
  });
}

// -- links ----------------------------------------------------------------------------------------

void rehearsal::send(node_id from, node_id to, std::function<void()> arrives) {
  std::uniform_int_distribution<int64_t> any(options_.latency_min.count(),
                                             options_.latency_max.count());
  if (cut_.contains({from, to}) || random_() % 100 < percent_) return;
  if (random_() % 100 < percent_) at(now_ + 20 * duration(any(random_)), arrives);
  at(now_ + duration(any(random_)), std::move(arrives));
}

void rehearsal::mute(uint64_t id) {
  for (uint64_t other = 1; other <= options_.nodes; ++other) cut(id, other);
}

void rehearsal::deafen(uint64_t id) {
  for (uint64_t other = 1; other <= options_.nodes; ++other) cut(other, id);
}

void rehearsal::only(const std::vector<std::pair<uint64_t, uint64_t>>& links) {
  for (uint64_t id = 1; id <= options_.nodes; ++id) isolate(id);
  for (const auto& [a, b] : links) {
    cut_.erase({node_id(a), node_id(b)});
    cut_.erase({node_id(b), node_id(a)});
  }
}

void rehearsal::impose(const link_graph& links) {
  cut_.clear();
  for (uint64_t from = 1; from <= options_.nodes; ++from)
    for (uint64_t to = 1; to <= options_.nodes; ++to)
      if (!links.has(from, to)) cut(from, to);
}

// Only what was saved survives.
void rehearsal::restart(uint64_t id) {
  node& n = nodes_.at(node_id(id));
  const acceptor::state kept{n.id, n.voter->saved(), n.voter->log(), 7};
  n.standing.reset();
  stop_leading(n);
  n.compared = {};
  n.seen = {};
  n.roll.emplace(options_.timing);
  n.number = random_();
  n.voter = std::make_unique<acceptor>(kept, options_.timing, options_.mode, now_, jitter());
  arm(n);
}

// -- elections ------------------------------------------------------------------------------------

void rehearsal::save(node& n, const vote& v) {
  ++n.saves;
  n.voter->on_vote_saved(v, now_, jitter());
}

void rehearsal::look(node& n) {
  const auto due = n.voter->election_deadline();
  const auto action = n.roll->look(members_, n.id, due, now_);
  if (action == roll_call::action::stand) return campaign(n);
  if (action == roll_call::action::call) {
    n.roll->on_called(now_);
    for (const auto& m : roll(members_, n.id, n.voter->log().last(), 7)) ask_for_vote(n, m);
  }
  arm(n);
}

void rehearsal::ask_for_vote(node& n, const vote_request& m) {
  send(n.id, m.to, [this, &to = nodes_.at(m.to), m] { on_vote_request(to, m); });
}

void rehearsal::campaign(node& n) {
  if (exceeds(n.voter->saved(), n.seen, options_.mode)) n.seen = n.voter->saved();
  ++n.candidacies;
  if (n.voter->lease_live(now_)) broken_.push_back("a node stood for election during a lease");
  n.standing.emplace(++n.number, n.id, n.seen, members_, n.voter->log().last(), 7, options_.mode);
  n.voter->timer().on_stood(now_, jitter());
  arm(n);
  for (const auto id : n.standing->electorate()) ask_for_vote(n, n.standing->request_to(id));
  conclude(n, n.standing->outcome());
}

void rehearsal::on_vote_request(node& n, const vote_request& m) {
  const auto floor = n.standing ? std::optional(n.standing->wanted()) : std::nullopt;
  const auto decision = n.voter->on_vote_request(m, floor, n.leading.has_value(), now_);
  vote_reply reply;
  if (const auto* refusal = std::get_if<vote_refusal>(&decision)) {
    reply = refusal->reply;
  } else {
    reply = std::get<grant>(decision).reply;
    n.standing.reset();
    stop_leading(n);
    if (m.wanted != n.voter->saved()) save(n, m.wanted);
    arm(n);
  }
  send(n.id, m.from, [this, &to = nodes_.at(m.from), reply] {
    to.roll->on_reply(reply, now_);
    if (to.standing)
      conclude(to, to.standing->on_vote_reply(reply));
    else
      arm(to);
  });
}

void rehearsal::conclude(node& n, candidacy::result r) {
  if (n.standing->outclassed()) n.voter->timer().on_outclassed();
  if (r == candidacy::result::lost) {
    n.seen = n.standing->seen();
    if (!n.seen.committed) n.voter->timer().on_outvoted(now_, jitter());
  }
  arm(n);
  if (r != candidacy::result::won) return;
  if (n.voter->lease_live(now_)) broken_.push_back("a node voted for itself during a lease");
  const vote elected{n.standing->wanted().leader, true};
  n.standing.reset();
  save(n, elected);
  lead(n);
}

// -- what can be seen -----------------------------------------------------------------------------

uint64_t rehearsal::leader() const {
  for (const auto& [id, n] : nodes_)
    if (n.leading && n.leading->active(now_)) return id.value;
  return 0;
}

uint64_t rehearsal::greatest_term() const {
  uint64_t greatest = 0;
  for (const auto& [id, n] : nodes_)
    greatest = std::max(greatest, n.voter->saved().leader.in.value);
  return greatest;
}

}  // namespace troupe::core
