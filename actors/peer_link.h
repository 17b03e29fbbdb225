// The peer_link actor: a local, reconnecting stand-in for the server of another node.
//
//            ┌──────── failed: back off ◄─────────────┐
//            ▼                                        │
//   waiting ─── alarm ──► dialing ── socket ──► greeting ── handle ──► connected
//      ▲                                                                  │
//      └────────────────────────── down ◄─────────────────────────────────┘
//
// It dials in a thread of its own kind, so that a peer that does not answer holds up nobody; backs
// off with a cap and jitter; and never uses a handle after the connection was lost, because a dead
// proxy of CAF swallows requests. What is sent and not answered is bounded in bytes. A request that
// cannot be sent is answered at once; one that was sent when the connection broke has an unknown
// outcome.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>

#include "actors/alarm.h"
#include "actors/core/backoff.h"
#include "actors/core/timing.h"
#include "actors/dialer.h"
#include "actors/interfaces.h"

namespace troupe {

struct peer_link_options {
  server_actor owner;   // the link ends with it
  node_id peer;         // 0: whoever is there
  std::string address;  // host:port
  core::timing timing;
  duration client_deadline = std::chrono::seconds(10);
  byte_count unanswered = MiB(128);
  duration backoff_min = std::chrono::milliseconds(20);
  duration backoff_max = std::chrono::milliseconds(1000);
  uint64_t seed = 0;
};

using peer_link_actor = peer_actor::extend<reacts_to<committed>, reacts_to<tick>>;

class peer_link {
 public:
  using self_ptr = peer_link_actor::pointer;

  peer_link(self_ptr self, peer_link_options options);
  // Answers what is under way.
  ~peer_link();

  // Passes a request on and its reply back. `size` counts against the bound.
  template <class Reply, class Request>
  caf::result<Reply> relay(const Request& m, byte_count size, duration deadline);
  caf::result<fetch_reply> on_fetch_request(const fetch_request& m);
  caf::result<backup_reply> on_backup_request(const backup_request& m);
  caf::result<core::snapshot_reply> on_snapshot_request(const core::snapshot_request& m);
  // Passes the notice of a commit back to who proposed.
  void on_committed(const committed& m);
  void on_tick(const tick& t);

  duration rpc_deadline() const { return options_.timing.rpc_timeout(); }
  // A large one may take long on a thin link, and so may what was sent before it.
  duration append_deadline(const core::append_request& m) const;
  duration client_deadline() const { return options_.client_deadline; }
  // One batch may be so large; who asks waits as long as it likes.
  duration fetch_deadline() const {
    return options_.timing.rpc_timeout(byte_count(batch::max_size));
  }

 private:
  struct flight {
    byte_count size;
    std::function<void(raft_errc)> fail;
    // Who wants to hear of the commit of which proposal; few do.
    request_id id;
    caf::strong_actor_ptr proposer;
  };

  std::string name() const;
  void connect();
  void greet(int fd);
  void on_connected(const caf::strong_actor_ptr& remote, const std::set<std::string>& interface);
  void on_down(const caf::down_msg& m);
  void retry(const std::string& why);
  bool land(uint64_t ticket);

  self_ptr self_;
  peer_link_options options_;
  std::mt19937_64 random_;
  peer_actor remote_;
  bool fetches_ = false, installs_ = false, backs_up_ = false;  // it is of a version that can
  core::backoff backoff_;
  std::string last_failure_;
  alarm retry_;
  uint64_t tickets_ = 0;
  std::map<uint64_t, flight> flights_;
  byte_count unanswered_;
};

struct peer_link_state {
  static inline const char* name = "peer_link";
  std::unique_ptr<peer_link> me;
};

peer_link_actor::behavior_type peer_link_behavior(
    peer_link_actor::stateful_pointer<peer_link_state> self, peer_link_options options);

}  // namespace troupe
