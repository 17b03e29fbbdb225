#include "actors/state_machine.h"

#include <xxhash.h>

#include "actors/tell.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/check.h"
#include "proto/trace.h"

namespace troupe {
namespace {

// Batches without claims that wait behind a gap; beyond it they are read from the log when their
// turn comes.
constexpr byte_count waiting_bound = MiB(32);
constexpr byte_count gap_slice = MiB(4);
// Commands that are applied at once where their results are thrown away.
constexpr uint32_t unclaimed_slice = 256;
// Queries that wait; beyond it they are `busy`.
constexpr byte_count queries_bound = MiB(64);
// How long queries are answered before others have their turn.
constexpr auto query_slice = std::chrono::milliseconds(5);

// The hash of the log up to `index`, which `b` holds: the chain of checksums covers all before `b`.
uint64_t hash_up_to(const batch& b, log_index index) {
  auto it = b.entries().begin();
  for (auto i = b.first_index(); i <= index; i = i.next()) ++it;
  const char* begin = b.entries().bytes().data();
  const char* end = it == b.entries().end() ? begin + b.entries().bytes().size() : (*it).data() - 4;
  return XXH3_64bits_withSeed(begin, static_cast<size_t>(end - begin), b.previous_checksum());
}

}  // namespace

state_machine::state_machine(self_ptr self, state_machine_options options)
    : self_(self), options_(std::move(options)), held_(options_.hosted->applied()) {
  const auto& [newest, damaged, lost] = options_.beginning;
  if (lost.empty()) {
    if (newest) on_restore_state();
  } else if (damaged && damaged->last.last.index <= held_) {
    wanted_ = true;
    go_on_from(*damaged);
  } else {
    be(state::lost, lost);
  }
}

// -- applying -------------------------------------------------------------------------------------

void state_machine::on_apply(apply& m) {
  TROUPE_SPAN(trace, "state_machine.apply", "upto=" << m.upto << " applied=" << applied_);
  committed_ = std::max(committed_, m.upto);
  options_.board->post([&](metrics& all) {
    all.committed = committed_;
    all.cluster_committed = std::max(all.cluster_committed, committed_);
  });
  for (size_t i = 0; i < m.batches.size(); ++i)
    enqueue(m.batches[i], m.claims.empty() ? std::vector<claim>{} : std::move(m.claims[i]));
  advance();
  if (!m.report) return;
  listener_ = self_->current_sender();
  report();
}

// More than once where a gap must be read first: the listener counts on hearing of all that it
// sent.
void state_machine::report() {
  if (!listener_) return;
  tell(self_, listener_, applied{applied_, {}});
  if (applied_ >= committed_) listener_ = nullptr;
}

void state_machine::enqueue(const batch_ptr& b, std::vector<claim> claims) {
  // A leader that is being deposed may still commit what its successor's server applied already; no
  // results are left of it, and its claims are dropped.
  if (b->last_index() <= applied_) return;
  if (claims.empty() && waiting_bytes_ > waiting_bound && b->first_index() > applied_.next())
    return;
  auto [at, added] = waiting_.try_emplace(b->first_index(), ready{b, {}});
  if (added) waiting_bytes_ += b->size().value;
  if (!claims.empty()) at->second.claims = std::move(claims);
}

void state_machine::advance() {
  while (!waiting_.empty() && !failed_ && usable()) {
    auto first = waiting_.begin();
    const bool stale = first->second.what->last_index() <= applied_;
    if (!stale &&
        (first->first != applied_.next() || first->second.what->last_index() > committed_))
      break;
    auto next = std::move(waiting_.extract(first).mapped());
    waiting_bytes_ = waiting_bytes_ - next.what->size().value;
    if (!stale) apply_one(std::move(next));
  }
  options_.board->post([&](metrics& m) {
    m.applied = applied_;
    m.totals.batches = batches_, m.totals.commands = commands_;
  });
  if (!usable()) return;
  want_answers();
  make_in_time();
  if (applied_ < committed_ && !failed_) read_gap();
}

void state_machine::apply_one(ready next) {
  const batch& b = *next.what;
  TROUPE_EVENT(debug) << "applies " << b.first_index() << ".." << b.last_index()
                      << " request=" << b.request();
  if (b.last_index() > held_ && !apply_new(b, next.claims)) return;
  applied_ = b.last_index();
  note(b);
  ++batches_;
}

bool state_machine::apply_new(const batch& b, std::vector<claim>& claims) {
  if (b.kind() == batch_kind::commands) return apply_commands(b, claims);
  if (!guarded(0, {}, [&] { options_.hosted->skip(b.last_index()); })) return false;
  for (claim& c : claims)
    c.to.deliver(self_, outcome{c.id, raft_errc::none, {}, b.last_index(), {}, b.leader()});
  return true;
}

// Each claim is a run of commands, and gets a message of its own with its own results.
bool state_machine::apply_commands(const batch& b, std::vector<claim>& claims) {
  auto index = b.first_index();
  auto rest = b.entries().bytes();
  // A machine may have stopped in the middle of a batch. Nobody waits for what it did before.
  if (index <= held_) {
    claims.clear();
    const auto done = static_cast<uint32_t>(held_.next().value - index.value);
    rest.remove_prefix(b.entries().first(done).bytes().size());
    index += done;
  }
  for (claim& c : claims) {
    outcome answer{c.id, raft_errc::none, {}, index + (c.count - 1), {}, b.leader()};
    if (!apply_run(index, {rest.substr(0, c.bytes), c.count}, answer.results)) return false;
    c.to.deliver(self_, std::move(answer));
    rest.remove_prefix(c.bytes);
    index += c.count;
  }
  const auto count = static_cast<uint32_t>(b.last_index().next().value - index.value);
  return apply_unclaimed(index, {rest, count});
}

// Nobody waits for these results, so no more than a few are kept at once.
bool state_machine::apply_unclaimed(log_index first, frames_view commands) {
  frames results;
  while (!commands.empty()) {
    const auto some =
        commands.size() <= unclaimed_slice ? commands : commands.first(unclaimed_slice);
    if (!apply_run(first, some, results)) return false;
    results.clear();
    first += some.size();
    commands = {commands.bytes().substr(some.bytes().size()), commands.size() - some.size()};
  }
  return true;
}

bool state_machine::apply_run(log_index first, frames_view commands, frames& results) {
  if (commands.empty()) return true;  // a barrier, or nothing is left
  commands_ += commands.size();
  return guarded(commands.size(), results,
                 [&] { options_.hosted->apply(first, commands, results); });
}

// -- the user's code ------------------------------------------------------------------------------

// False when it broke its contract; the node then ends.
template <class Call>
bool state_machine::guarded(uint32_t wanted, const frames& results, Call call) {
  try {
    call();
  } catch (const std::exception& e) {
    return fail(e.what()), false;
  } catch (...) {
    return fail("an exception that is no std::exception"), false;
  }
  if (results.size() == wanted) return true;
  fail("gave " + std::to_string(results.size()) + " results where " + std::to_string(wanted) +
       " were due");
  return false;
}

void state_machine::fail(const std::string& why) {
  TROUPE_EVENT(error) << "the machine fails, and the node with it: " << why;
  failed_ = true;
  options_.board->fail(raft_errc::machine_failed, why);
  self_->quit(make_error(raft_errc::machine_failed));
}

caf::result<done> state_machine::on_visit(const visit& m) {
  if (!usable()) return make_error(raft_errc::busy);
  m.what(*options_.hosted);
  return done{};
}

void state_machine::read_gap() {
  if (reading_) return;
  if (!waiting_.empty() && waiting_.begin()->first == applied_.next()) return;
  reading_ = true;
  self_->request(options_.log, caf::infinite, read_log{applied_.next(), gap_slice})
      .then(
          // What is beyond may have been overwritten since it was read.
          [this, known = committed_](const log_slice& slice) {
            reading_ = false;
            // A follower may know no more than that a part of a batch is committed: wait for the
            // rest.
            if (slice.batches[0]->last_index() > known && committed_ == known) return;
            for (const auto& b : slice.batches)
              if (b->last_index() <= known) enqueue(b, {});
            advance();
            report();
          },
          [this](const caf::error&) {
            // The log store is gone or does not have it yet; the next apply asks again.
            reading_ = false;
          });
}

// -- reading --------------------------------------------------------------------------------------

void state_machine::on_query(query& m) {
  if (state_ == state::lost) return m.to.deliver(self_, outcome{m.id, raft_errc::busy, {}, {}, {}});
  if (!queries_.empty() && queries_bytes_ + m.cost() > queries_bound.value)
    return m.to.deliver(self_, outcome{m.id, raft_errc::busy, {}, {}, {}});
  queries_bytes_ += m.cost();
  const auto until = m.until;
  queries_.emplace(m.index, std::move(m));
  watch(until);
  want_answers();
}

void state_machine::watch(instant until) {
  if (until >= watched_) return;
  watched_ = until;
  patience_.set(self_, until);
}

void state_machine::on_tick(const tick& t) {
  if (!patience_.on_tick(self_, t)) return;
  watched_ = instant::max();
  const auto now = self_->clock().now();
  for (auto it = queries_.begin(); it != queries_.end();) {
    query& q = it->second;
    if (now < q.until) {
      watch(q.until);
      ++it;
      continue;
    }
    queries_bytes_ -= q.cost();
    refuse(q);
    it = queries_.erase(it);
  }
}

// Behind all that waits in the mailbox.
void state_machine::want_answers() {
  const bool ready = !queries_.empty() && queries_.begin()->first <= applied_;
  if (ready && !std::exchange(going_on_, true)) self_->send(self_, go_on{});
}

void state_machine::on_go_on() {
  going_on_ = false;
  auto now = self_->clock().now();
  for (const auto end = now + query_slice; now < end; now = self_->clock().now()) {
    if (failed_ || !usable() || queries_.empty() || queries_.begin()->first > applied_) return;
    const auto q = std::move(queries_.extract(queries_.begin()).mapped());
    queries_bytes_ -= q.cost();
    if (now < q.until)
      answer(q);
    else
      refuse(q);
  }
  want_answers();
}

void state_machine::answer(const query& q) {
  outcome answer{q.id, raft_errc::none, {}, applied_, {}};
  frames& results = answer.results;
  for (const auto question : q.queries) {
    const auto count = results.size();
    const auto bytes = results.bytes().size();
    if (!guarded(count + 1, results, [&] { options_.hosted->query(question, results); })) {
      answer = {q.id, raft_errc::machine_failed, {}, {}, {}};
      break;
    }
    if (results.bytes().size() > q.most.value) {
      results.keep(count, bytes);
      break;
    }
  }
  q.to.deliver(self_, std::move(answer));
}

// The time of its asker is over.
void state_machine::refuse(const query& q) {
  const auto why = q.index <= applied_ ? raft_errc::busy : raft_errc::not_leader;
  q.to.deliver(self_, outcome{q.id, why, {}, {}, {}});
}

caf::result<log_hash> state_machine::on_hash_log(const hash_log& m) {
  if (m.index > applied_ || !m.index) return log_hash{};
  const auto to = route::of_current(self_, log_hash{});
  self_->request(options_.log, caf::infinite, read_log{m.index, byte_count(0)})
      .then(
          [this, to, index = m.index](const log_slice& s) {
            to.deliver(self_, log_hash{hash_up_to(*s.batches[0], index)});
          },
          [this, to](const caf::error&) { to.deliver(self_, log_hash{}); });
  return caf::delegated<log_hash>{};
}

state_machine_actor::behavior_type state_machine_behavior(
    state_machine_actor::stateful_pointer<state_machine_state> self,
    state_machine_options options) {
  self->state.me = std::make_unique<state_machine>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](apply& m) { me->on_apply(m); },
      [me](query& m) { me->on_query(m); },
      [me](const visit& m) { return me->on_visit(m); },
      [me](const hash_log& m) { return me->on_hash_log(m); },
      [me](const describe_applied&) { return me->on_describe(); },
      [me](const make_snapshot&) { return me->on_make_snapshot(); },
      [me](const restore_state&) { me->on_restore_state(); },
      [me](const snapshot_lost& m) { me->on_snapshot_lost(m); },
      [me](const watch_state&) { return me->on_watch_state(); },
      [me](const configure& m) { me->on_configure(m); },
      [me](build_on) { me->on_build_on(); },
      [me](go_on) { me->on_go_on(); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
