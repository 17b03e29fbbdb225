// How a node gets back what damage took from its log while nobody leads who could send it: from
// what was set aside, and what is missing there from any member (storage/salvage.h says why it does
// not matter from which).
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "actors/server.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

using storage::missing_batches;

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
  if (m.cluster == 0 || m.cluster != acceptor_->cluster())
    return make_error(raft_errc::not_allowed);
  auto promise = self_->make_response_promise<fetch_reply>();
  self_->request(options_.store, caf::infinite, find_batches{m.wanted, fetch_size})
      .then([promise](const log_slice& s) mutable { promise.deliver(answer_of(s)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

// Like each write of the log it is one event: what comes next is judged by the log that it leaves.
// `found` is of what was asked for.
void server::restore(const std::vector<batch_ptr>& found, const missing_batches& asked) {
  if (!acceptor_->lacks_entries()) return;
  self_->request(options_.store, caf::infinite, restore_log{found})
      .await([this, asked](const restored& r) { on_restored(r, asked); },
             [this](const caf::error& e) { self_->quit(e); });
}

void server::on_restored(const restored& r, const missing_batches& asked) {
  const bool grew = r.log.tail != tail_;
  refresh(r.log);
  settle();
  if (!acceptor_->lacks_entries()) return;
  // The next piece, behind what waits meanwhile.
  if (grew) return restore_.set(self_, now());
  if (full_ || (r.missing && *r.missing == asked))
    warn_once("has no room on the disk for what damage took of its log");
  if (!r.missing || *r.missing == asked) return restore_later();
  // A leader that is there is heard of before long.
  if (!std::exchange(listened_, true)) return restore_later();
  search next{*r.missing, {}};
  for (const auto& [id, peer] : peers_.all()) next.left.push_back(id);
  // Who had something may have more.
  if (std::erase(next.left, helper_) > 0) next.left.push_back(helper_);
  if (!next.left.empty() && acceptor_->cluster() != 0) return fetch(std::move(next));
  warn_once(
      "knows no member to ask for what damage took of its log; if no leader comes, only `ctl "
      "recover` helps");
  restore_later();
}

// One after the other, so that no more is sent than is needed; who cannot be reached answers at
// once.
void server::fetch(search what) {
  if (known_leader()) return restore_later();
  const auto from = what.left.back();
  what.left.pop_back();
  self_
      ->request(peers_.find(from), fetch_patience_,
                fetch_request{acceptor_->cluster(), what.missing})
      .then(
          [this, what, from](const fetch_reply& reply) mutable {
            const auto& found = reply.batches;
            what.answered = true;
            if (found.empty() || !what.missing.end.names(found.back()->tail())) return go_on(what);
            helper_ = from;
            restore_backoff_.reset(), fetch_patience_ = patience_at_first();
            restore(found, what.missing);
          },
          [this, what, from](const caf::error& e) mutable {
            what.silent.push_back(from);
            // A large batch takes long on a thin link.
            const auto longest = options_.timing.rpc_timeout(byte_count(batch::max_size));
            if (e == caf::sec::request_timeout)
              fetch_patience_ = std::min(2 * fetch_patience_, longest);
            go_on(std::move(what));
          });
}

void server::go_on(search what) {
  if (!what.left.empty()) return fetch(std::move(what));
  const auto silent = what.silent.empty()
                          ? std::string("; only `ctl recover` helps")
                          : absl::StrCat("; no answer from ",
                                         absl::StrJoin(what.silent, ", ", absl::StreamFormatter()));
  // At first nobody is connected.
  if (what.answered)
    warn_once(
        absl::StrCat("asked all members for entries of its log after ", what.missing.after.value,
                     " and up to ", what.missing.end.last.index.value,
                     ", which damage took, and nobody who answers has the last of them", silent));
  restore_later();
}

duration server::patience_at_first() const { return options_.timing.rpc_timeout(fetch_size); }

void server::restore_later() { restore_.set(self_, now() + restore_backoff_.next()); }

// A leader that is alive sends it by itself.
void server::on_restore_tick() {
  if (acceptor_->lacks_entries()) known_leader() ? restore_later() : restore({}, {});
}

// Nothing changes until somebody does something.
void server::warn_once(const std::string& what) {
  if (std::exchange(told_, what) != what) TROUPE_EVENT(warn) << "n" << options_.id << " " << what;
}

}  // namespace troupe
