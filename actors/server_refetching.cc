// How a node gets its machine's state back, where damage took the snapshot that its log goes on
// from. A snapshot comes from any member that has one, whoever leads. The log is as good as ever,
// so the node follows and votes meanwhile, and where nobody else has all of it, it leads as well,
// until another one can.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "actors/server.h"
#include "actors/snapshot_fetcher.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

void server::on_machine_state(const machine_state& m) {
  state_lost_ = m.lost ? std::optional(m.why) : std::nullopt;
  if (leader_) self_->send(leader_, m);
  prefer();
  arm();
  if (m.lost) return fetch_snapshot_later();
  end_fetcher();
  fetch_again_.cancel();
  fetch_backoff_.reset();
}

void server::fetch_snapshot() {
  if (!state_lost_ || fetcher_) return;
  auto members = peers_.all();
  if (members.empty() || acceptor_->cluster() == 0) return fail_without_state();
  fetcher_options o;
  o.cluster = acceptor_->cluster();
  o.least = acceptor_->log().purged().index;
  o.greatest = acceptor_->saved().leader;
  o.timing = options_.timing;
  o.members.assign(members.begin(), members.end());
  // Who gave what could not be used is not asked first again.
  std::ranges::rotate(o.members,
                      o.members.begin() + static_cast<long>(fetches_++ % members.size()));
  o.sink = options_.sink;
  o.rate = options_.compaction.send_rate;
  fetcher_ = self_->spawn<caf::linked>(snapshot_fetcher, std::move(o));
  self_->request(fetcher_, caf::infinite, troupe::fetch_snapshot{})
      .then(
          [this, was = fetcher_](const fetched_snapshot& f) {
            if (fetcher_ != was) return;  // it was ended from here
            fetcher_ = nullptr;
            on_fetched(f);
          },
          [this, was = fetcher_](const caf::error&) {
            if (fetcher_ != was) return;  // it was ended from here
            fetcher_ = nullptr;
            fetch_snapshot_later();
          });
}

// What a snapshot says was committed, so it can contradict nothing that is known to be. A leader's
// log stays as it is.
void server::on_fetched(const fetched_snapshot& f) {
  if (!state_lost_) return;
  if (!f.meta) {
    warn_once(
        "asked all members for a snapshot, and nobody who answers has one that goes as far "
        "as its log begins; it asks again. Where no node has one any more, restore a directory "
        "from a copy, or begin a new cluster from a backup with `ctl restore`");
    return fetch_snapshot_later();
  }
  self_->request(options_.store, caf::infinite, describe_log{})
      .await(
          [this, meta = *f.meta](const log_state& s) {
            const auto& last = meta.last.last;
            if (s.view().contains(last) || (!leader_ && acceptor_->lacks(last)))
              return go_on_from(meta, [this](bool done) {
                if (!done) fetch_snapshot_later();
              });
            warn_once("cannot use a snapshot of another node, whose end is not in its log");
            fetch_snapshot_later();
          },
          [this](const caf::error& e) { self_->quit(e); });
}

void server::fetch_snapshot_later() { fetch_again_.set(self_, now() + fetch_backoff_.next()); }

void server::end_fetcher() {
  if (!fetcher_) return;
  self_->unlink_from(fetcher_);
  caf::anon_send_exit(fetcher_, caf::exit_reason::user_shutdown);
  fetcher_ = nullptr;
}

// It sends a snapshot of its own accord. Should that one not come to an end, this goes on.
void server::leave_it_to_leader() {
  end_fetcher();
  fetch_again_.set(self_, now() + longest_pause);
}

void server::fail_without_state() {
  const auto unknown = acceptor_->cluster() == 0
                           ? ". Nothing on this disk tells any more which cluster it is of"
                           : ". No other node is known that could have the state";
  const auto why = absl::StrCat(
      *state_lost_, unknown,
      ": restore the directory from a copy, or a new one from a backup with `ctl restore`. Where "
      "other nodes have the state, `ctl remove ",
      options_.id.value, "` there, empty the directory, and start it with --join");
  TROUPE_EVENT(error) << "n" << options_.id << " ends: " << why;
  options_.board->fail(raft_errc::storage_failed, why);
  self_->quit(make_error(raft_errc::storage_failed));
}

}  // namespace troupe
