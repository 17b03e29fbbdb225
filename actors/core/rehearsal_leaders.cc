// The rehearsal's leaders and followers: heartbeats, and entries where `replicate` says so.
#include <algorithm>
#include <sstream>

#include "actors/core/rehearsal.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

// In one request.
constexpr size_t most_batches = 64;

}  // namespace

// -- leaderships ----------------------------------------------------------------------------------

void rehearsal::lead(node& n) {
  const vote elected = n.voter->saved();
  check_election(elected, n);
  elected_.push_back(elected);
  n.leading.emplace(elected, members_, log_id{}, log_tail{n.voter->log().last(), 0},
                    leadership::options{options_.timing}, now_);
  n.offered = 0;
  for (const auto& [id, known] : members_.nodes()) n.asked[id] = n.voter->log().last();
  if (options_.replicate) append(n, 0);
  arm(n);
  beat(n, elected);
}

void rehearsal::check_election(const vote& elected, const node& n) {
  std::ostringstream what;
  for (const vote& v : elected_)
    if (v.leader == elected.leader ||
        (options_.mode == vote_mode::standard && v.leader.in == elected.leader.in))
      what << elected << " was won after " << v << "; ";
  for (const auto& [id, other] : nodes_)
    if (other.leading && other.leading->leased(now_))
      what << elected << " was won while n" << id << " holds a lease; ";
  if (!committed_.empty() && !n.voter->log().contains(committed_.back()))
    what << elected << " was won without the committed entry " << committed_.back() << "; ";
  if (!what.str().empty()) broken_.push_back(what.str());
}

void rehearsal::beat(node& n, const vote& elected) {
  if (!n.leading || n.leading->elected() != elected) return;
  if (now_ >= n.leading->deadline(now_)) return end(n, /*hurry=*/false);
  ask_all(n);
  at(now_ + options_.timing.heartbeat_interval, [this, &n, elected] { beat(n, elected); });
}

void rehearsal::end(node& n, bool hurry) {
  stop_leading(n);
  n.voter->timer().start(now_, jitter());
  hurry ? campaign(n) : arm(n);
}

// What it committed must be known before another leader's append is judged.
void rehearsal::stop_leading(node& n) {
  if (!n.leading) return;
  n.voter->on_committed(n.leading->committed());
  n.leading.reset();
}

// -- replication ----------------------------------------------------------------------------------

void rehearsal::offer(uint64_t write) {
  for (auto& [id, n] : nodes_) {
    if (!n.leading || !n.leading->active(now_) || n.offered >= write) continue;
    n.offered = write;
    append(n, write);
    ask_all(n);
  }
}

// 0: the blank entry that begins a leadership.
void rehearsal::append(node& n, uint64_t write) {
  batch_builder builder;
  builder.add("x");
  const auto kind = write == 0 ? batch_kind::blank : batch_kind::commands;
  const auto b =
      builder.seal(kind, n.leading->elected().leader, n.leading->last(), request_id(write));
  n.entries.push_back(b);
  auto log = n.voter->log();
  log.append(b->leader(), b->last_index());
  n.voter->on_log_written(std::move(log));
  n.leading->on_appended(b->tail(), now_);
  if (const auto committed = n.leading->on_flushed(b->last(), now_)) compare(n, *committed);
}

void rehearsal::ask_all(node& n) {
  for (const auto& [id, known] : members_.nodes())
    if (id != n.id) ask(n, id);
}

// Everything after what the follower is known to have, each time: requests may get lost.
void rehearsal::ask(node& n, node_id to) {
  append_request m;
  m.to = to;
  m.session.leader = n.leading->elected();
  m.previous = n.asked.at(to);
  m.committed = n.leading->committed();
  m.cluster = 7;
  for (size_t i = m.previous.index.value; i < n.entries.size(); ++i) {
    if (!options_.replicate || m.batches.size() == most_batches) break;
    m.batches.push_back(n.entries[i]);
  }
  send(n.id, to, [this, &follower = nodes_.at(to), from = n.id, m = std::move(m), sent = now_] {
    on_append_request(follower, from, m, sent);
  });
}

void rehearsal::on_append_request(node& n, node_id from, const append_request& m, instant sent) {
  auto decision = n.voter->on_append_request(m, now_);
  if (const auto* first = std::get_if<save_vote_first>(&decision)) {
    stop_leading(n);
    save(n, first->wanted);
    decision = n.voter->on_append_request(m, now_);
  }
  append_reply reply;
  if (auto* refusal = std::get_if<append_refusal>(&decision)) {
    reply = refusal->reply;
    if (reply.verdict == verdict::failed) broken_.push_back(refusal->why);
  } else {
    const auto& accepted = std::get<accepted_append>(decision);
    reply = accepted.reply;
    write(n, accepted);
  }
  // Whoever counts as followed must not vote for itself meanwhile.
  if (reply.verdict == verdict::matched || reply.verdict == verdict::conflict) n.standing.reset();
  arm(n);
  send(n.id, from, [this, &to = nodes_.at(from), by = n.id, reply, sent] {
    on_append_reply(to, by, reply, sent);
  });
}

void rehearsal::write(node& n, const accepted_append& accepted) {
  if (accepted.truncate_after) n.entries.resize(accepted.truncate_after->value);
  n.entries.insert(n.entries.end(), accepted.batches.begin(), accepted.batches.end());
  if (options_.replicate) compare(n, n.voter->committed());
}

void rehearsal::on_append_reply(node& n, node_id from, const append_reply& m, instant sent) {
  if (!n.leading || n.leading->elected() != m.session.leader) return;
  if (m.verdict == verdict::rejected) {
    if (exceeds(m.saved, n.seen, options_.mode)) n.seen = m.saved;
    return end(n, /*hurry=*/!m.saved.committed);
  }
  if (m.verdict == verdict::failed) return;
  if (const auto committed = n.leading->on_acked(from, m.durable, sent, m.round))
    compare(n, *committed);
  if (!options_.replicate) return;
  log_id& asked = n.asked.at(from);
  const log_id before = asked;
  const log_id common = n.voter->log().floor(m.hint);
  if (m.verdict == verdict::conflict && common < asked) asked = common;
  if (m.durable.index > asked.index) asked = m.durable;
  if (asked != before && asked.index < n.voter->log().last_index()) ask(n, from);
}

// The first to commit an entry says which it is; nobody may say otherwise later.
void rehearsal::compare(node& n, log_index committed) {
  for (; n.compared < committed; n.compared = n.compared.next()) {
    const auto& entry = n.entries.at(n.compared.value);
    if (committed_.size() == n.compared.value) {
      committed_.push_back(entry->last());
      done_.insert(entry->request().value);
    } else if (committed_.at(n.compared.value) != entry->last()) {
      std::ostringstream what;
      what << "n" << n.id << " committed " << entry->last() << ", others "
           << committed_.at(n.compared.value);
      broken_.push_back(what.str());
    }
  }
}

}  // namespace troupe::core
