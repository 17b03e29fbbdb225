// How a node gets back what damage took from its log while nobody leads who could send it: from
// what was set aside, and what is missing there from any member (storage/salvage.h says why it does
// not matter from which).
#include "actors/server.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

// Of batches in one answer, or one that is larger.
constexpr byte_count fetch_size = KiB(128);

fetch_reply answer_of(log_slice found) {
  auto& all = found.batches;
  if (all.size() > wire::max_payloads) all.erase(all.begin(), all.end() - wire::max_payloads);
  return {std::move(all)};
}

}  // namespace

caf::result<fetch_reply> server::on_fetch_request(const fetch_request& m) {
  if (m.cluster == 0 || m.cluster != acceptor_->cluster()) return fetch_reply{};
  auto promise = self_->make_response_promise<fetch_reply>();
  self_->request(options_.store, caf::infinite, find_batches{m.wanted, fetch_size})
      .then([promise](const log_slice& s) mutable { promise.deliver(answer_of(s)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

// Like each write of the log it is one event: what comes next is judged by the log that it leaves.
void server::restore() {
  if (!acceptor_->lacks_entries()) return;
  self_->request(options_.store, caf::infinite, restore_log{})
      .await([this](const restored& r) { on_restored(r); },
             [this](const caf::error& e) { self_->quit(e); });
}

void server::on_restored(const restored& r) {
  refresh(r.log);
  settle();
  if (!acceptor_->lacks_entries()) return;
  // What was sent was of no use, or there was no room for it.
  if (!r.missing || r.missing == missing_) return restore_later();
  missing_ = r.missing;
  fetch(*r.missing);
}

// From all at once: one that does not answer holds up nothing.
void server::fetch(const storage::missing_batches& missing) {
  const auto peers = peers_.all();
  if (peers.empty() || acceptor_->cluster() == 0) return restore_later();
  const auto who = std::make_shared<search>(search{missing, peers.size()});
  for (const auto& [id, peer] : peers)
    self_
        ->request(peer, options_.timing.rpc_timeout(fetch_size),
                  fetch_request{acceptor_->cluster(), missing})
        .then([this, who](const fetch_reply& reply) { on_fetched(*who, reply.batches); },
              [this, who](const caf::error&) {
                who->all_answered = false;
                on_fetched(*who, {});
              });
}

void server::on_fetched(search& who, const std::vector<batch_ptr>& found) {
  --who.unanswered;
  if (who.over) return;
  who.over = !found.empty() && who.missing.end.names(found.back()->tail());
  if (who.over) return keep_then_restore(found);
  if (who.unanswered > 0) return;
  if (who.all_answered) warn_of_missing(who.missing);
  restore_later();
}

void server::keep_then_restore(const std::vector<batch_ptr>& found) {
  self_->request(options_.store, caf::infinite, keep_aside{found})
      .then([this](const done&) { restore(); }, [this](const caf::error& e) { self_->quit(e); });
}

void server::restore_later() { restore_.set(self_, now() + options_.timing.election_timeout_max); }

// A leader that is alive sends it by itself.
void server::on_restore_tick() {
  missing_.reset();
  if (!acceptor_->lacks_entries()) return;
  known_leader() ? restore_later() : restore();
}

// Nothing else changes until an operator does something, so it is said once.
void server::warn_of_missing(const storage::missing_batches& missing) {
  if (std::exchange(nobody_has_, missing.end.last.index) == missing.end.last.index) return;
  TROUPE_EVENT(warn) << "n" << options_.id << " asked all members for entries of its log after "
                     << missing.after << " and up to " << missing.end.last.index
                     << ", which damage took, and nobody has the last of them";
}

}  // namespace troupe
