// What a leader knows of one follower's log, and what to send next (thesis 3.5; openraft's
// progress).
//
// Three modes. *Probing* looks for the last common entry with one request at a time. *Streaming*
// keeps several requests in flight, each starting where the one before ends; how many bytes is up
// to the window, which adapts to the path. A lost request, a conflict or a silent peer leads back
// to probing from what is known to match. Such a probe carries nothing: what was sent may still be
// on its way, and is sent again only when the follower has answered. *Snapshot* is for who needs
// entries that are in the leader's log no more: until it has a snapshot it gets heartbeats only.
#pragma once

#include <deque>
#include <optional>

#include "actors/core/log_view.h"
#include "actors/core/messages.h"
#include "actors/core/window.h"

namespace troupe::core {

struct flow_limits {
  byte_count window = MiB(8);   // sent and not acknowledged, to one follower, on any path
  byte_count request = MiB(1);  // aimed at in one request; one larger batch goes alone
  size_t requests = 16;         // in flight at once with payload, and as many without
};

class progress {
 public:
  enum class mode { probing, streaming, snapshot };

  // `log`: the leader's log when its leadership began. Starts probing at its end.
  progress(log_view log, flow_limits limits);

  // The request to send now, if one may be sent. `previous` is what the follower is asked to have;
  // `first` is the first index to send, of which at most `most` bytes, but one batch at least; 0:
  // none at all.
  struct step {
    uint64_t ticket;
    log_id previous;
    log_index first;
    byte_count most;
  };
  // Whether `next()` may be called: room in the window, and no probe under way.
  bool may_send() const;
  log_index next_index() const { return next_.index.next(); }
  // The request may stay empty: a probe for which nothing is at hand.
  step next() const;
  // The same request, but from `first` ≤ step.first on. What matches may end inside a batch, where
  // the other log has another one at that index; batches are sent whole.
  step moved_back(const step& s, log_index first) const;
  // An empty request that asks for no more than what is known to match (or is searched for); it may
  // be sent at any time.
  step heartbeat() const;
  // Whether a heartbeat may be sent before its time, to have something confirmed soon.
  bool may_confirm() const;
  // `step` was sent and ends with `last` (== step.previous when empty).
  void sent(const step& s, const log_id& last, byte_count size, instant now);

  // Each ticket is answered exactly once, by one of these. Answers of tickets from before the last
  // return to probing only count as signs of life.
  void on_matched(uint64_t ticket, const log_id& durable, instant now);
  void on_conflict(uint64_t ticket, const log_id& hint);
  // Whether it led (back) to probing. A request without payload is no loss while there is payload
  // in flight: it may have waited behind that.
  bool on_failure(uint64_t ticket);
  // Call it from time to time. A request with payload has failed, although it may still be
  // answered, when nothing was for `rpc_timeout` and the time that its bytes may take; true then.
  bool on_time(instant now, duration rpc_timeout);

  // When the request of `ticket` was sent: the lease counts from then (thesis 6.4.1). nullopt for a
  // ticket that was answered before.
  std::optional<instant> sent_at(uint64_t ticket) const;

  // What the follower needs next was purged from the leader's log.
  void need_snapshot();
  // The follower has a snapshot up to `last`, an entry that was in the leader's log.
  void on_installed(const log_id& last);

  // The leader's log grew.
  void on_log_appended(leader_id leader, log_index last) { log_.append(leader, last); }

  mode how() const { return mode_; }
  // Durable at the follower; what the leader counts. It falls only where the follower says, asked
  // anew, that it has less: damage took the end of its log.
  const log_id& matched() const { return matched_; }
  // Sent and not answered, until a later probe was.
  byte_count in_flight() const { return in_flight_; }
  log_index last_index() const { return log_.last_index(); }

 private:
  struct flight {
    uint64_t ticket;
    uint64_t epoch;
    log_id previous;
    byte_count size;
    window::mark mark;
  };
  std::optional<flight> land(uint64_t ticket);
  const flight* oldest_payload() const;
  size_t count(bool with_payload) const;
  void stream();
  void restart(mode how, const log_id& previous);
  void probe_from(const log_id& previous);
  void lose();

  log_view log_;
  flow_limits limits_;
  window window_;
  mode mode_ = mode::probing;
  bool bare_ = false;  // probes carry nothing
  log_id next_;        // the last entry that was sent, or that is asked about
  log_id common_;      // known to be in the follower's log, durable or not
  log_id matched_;
  uint64_t epoch_ = 1;  // grows with each return to probing
  uint64_t tickets_ = 0;
  std::deque<flight> flights_;
  byte_count in_flight_;
  instant answered_;  // when the newest answer to a payload came
};

}  // namespace troupe::core
