// The server actor: always on, the voter of its node. It owns the acceptor and, while it stands for
// election, the candidacy; it spawns the leader and ends it; it forwards clients to whoever leads.
//
// It handles one event at a time and waits where a vote must be durable first, so that every
// decision is made on what is saved. Followers' log writes go through it; a leader writes by
// itself, and the log store fences whichever of the two is out of date.
#pragma once

#include <functional>
#include <memory>
#include <random>

#include "actors/accepted_batches.h"
#include "actors/alarm.h"
#include "actors/core/acceptor.h"
#include "actors/core/backoff.h"
#include "actors/core/candidacy.h"
#include "actors/core/founding.h"
#include "actors/core/roll_call.h"
#include "actors/interfaces.h"
#include "actors/leader.h"
#include "actors/observed.h"
#include "actors/peer_table.h"
#include "actors/roster.h"

namespace troupe {

struct server_options {
  node_id id;
  core::timing timing;
  core::vote_mode mode = core::vote_mode::advanced;
  leader_limits limits;
  log_store_actor store;
  snapshot_sink_actor sink;     // empty: no snapshots
  bool storage_blocks = false;  // see node_options
  core::compaction compaction;
  state_machine_actor machine;
  resolver resolve;
  uint64_t seed = 0;           // of the random part of timeouts and of candidacy numbers
  core::membership genesis;    // the first membership, for a node that has none; may be empty
  bool elections = true;       // off: stands for election only when told
  bool heartbeats = true;      // off: while it leads, it sends only what is new
  bool leader_restore = true;  // the sole member leads on after a restart, without an election
  std::shared_ptr<observed> board = std::make_shared<observed>();
};

class server {
 public:
  // A proposal crosses at most this many nodes in search of the leader.
  static constexpr uint32_t max_hops = 2;
  // Before it asks others again for what damage took.
  static constexpr duration longest_pause = std::chrono::seconds(5);

  using self_ptr = server_actor::pointer;

  server(self_ptr self, server_options options);
  // Ends the leader, if there is one.
  ~server();

  caf::result<core::vote_reply> on_vote_request(const core::vote_request& m);
  caf::result<core::append_reply> on_append_request(const core::append_request& m);
  caf::result<core::snapshot_reply> on_snapshot_request(const core::snapshot_request& m);
  caf::result<backup_reply> on_backup_request(const backup_request& m);
  void on_snapshot_kept(const snapshot_kept& m);
  void on_snapshot_lost(const snapshot_lost& m) { self_->send(options_.machine, m); }
  void on_machine_state(const machine_state& m);
  caf::result<outcome> on_propose(const propose& m);
  caf::result<outcome> on_read(const read& m);
  caf::result<core::transfer_reply> on_transfer_request(const core::transfer_request& m);
  caf::result<admin_reply> on_admin(const admin_request& m);
  caf::result<done> on_initialize(const initialize& m);
  caf::result<log_hash> on_hash_log(const hash_log& m);
  caf::result<status> on_status();
  caf::result<fetch_reply> on_fetch_request(const fetch_request& m);
  done on_configure(const configure& m);
  void on_outvoted(const outvoted& m);
  void on_led(const led& m);
  caf::result<peer_handles> on_adopt(const adopt& m);
  void on_handing_over(const handing_over& m) { handing_over_to_ = m.to; }
  void on_tick(const tick& t);

  // -- for the simulation's invariants ----------------------------------------------------------

  // Null until the log's state is known.
  const core::acceptor* protocol() const { return acceptor_ ? &*acceptor_ : nullptr; }
  const leader_actor& current_leader() const { return leader_; }
  const core::membership& members() const { return roster_.members(); }
  const log_store_actor& store() const { return options_.store; }

 private:
  using vote_promise = caf::typed_response_promise<core::vote_reply>;
  using append_promise = caf::typed_response_promise<core::append_reply>;
  using snapshot_promise = caf::typed_response_promise<core::snapshot_reply>;

  // -- what is in the log --
  void start(const log_state& s);
  void refresh(const log_state& s);
  void refresh_then(std::function<void()> then);
  void settle();
  void note_membership(const core::accepted_append& written);
  void adopt_membership();
  void warn_of_removal(const std::string& source);
  void warn_of_loss(const storage::lost_entries& lost);

  // -- a first membership --
  void found(const core::membership& first, route asked_by);
  void call_founders();
  void on_founder(const core::vote_reply& reply);
  void on_founding_tick();
  void begin();
  void end_founding();

  // -- what damage took --
  struct search {
    storage::missing_batches missing;
    std::vector<node_id> left;  // not asked yet
    std::vector<node_id> silent;
    bool answered = false;  // somebody
  };
  void restore(const std::vector<batch_ptr>& found, const storage::missing_batches& asked);
  void on_restored(const restored& r, const storage::missing_batches& asked);
  void fetch(search what);
  void go_on(search what);
  duration patience_at_first() const;
  void restore_later();
  void on_restore_tick();
  void warn_once(const std::string& what);

  // -- a state that damage took --
  void fetch_snapshot();
  void fetch_snapshot_later();
  void end_fetcher();
  void leave_it_to_leader();
  void on_fetched(const fetched_snapshot& f);
  void fail_without_state();
  void prefer();

  // -- votes and elections --
  void judge_vote(const core::vote_request& m, vote_promise promise);
  void save_vote_then(const vote& wanted, std::function<void()> then);
  bool may_stand() const;
  bool stands_by_itself() const;
  void stand_in_time();
  void call_roll();
  void campaign(const vote& handed_by = {});
  void ask_for_vote(core::vote_request request);
  void on_vote_reply(const core::vote_reply& reply);
  void conclude(core::candidacy::result result);
  bool leads_on() const;
  void lead();
  void end_leader(raft_errc why);
  void depose_then(node_id successor, std::function<void()> then);
  void follow_then(const vote& wanted, std::function<void()> then);
  void on_down(const caf::down_msg& m);
  void arm();

  // -- appends --
  void on_leader_alive(bool log_changes);
  void judge_append(const core::append_request& m, append_promise promise);
  void write(core::accepted_append decision, append_promise promise);
  void look_for_room();
  void hand_committed_over();

  // -- snapshots --
  void judge_snapshot(const core::snapshot_request& m, snapshot_promise promise);
  void stage_piece(const core::snapshot_request& m, core::snapshot_reply reply,
                   snapshot_promise promise);
  void install(const storage::snapshot_meta& meta, core::snapshot_reply reply,
               snapshot_promise promise);
  void go_on_from(const storage::snapshot_meta& meta, std::function<void(bool)> then);
  void purge(log_index upto, std::function<void(const caf::error&)> then);
  std::vector<log_index> needed_by_followers() const;
  caf::result<admin_reply> pass_to_member(const admin_request& m, node_id who);
  caf::result<admin_reply> on_snapshot_now(const admin_request& m, node_id who);
  caf::result<admin_reply> on_purge_now(const admin_request& m, const purge_now& p);

  query query_of(const read& m);
  caf::result<outcome> read_here(const read& m);
  template <class Message>
  caf::result<outcome> forward(const Message& m);
  caf::result<admin_reply> on_elect(const admin_request& m, node_id who);
  caf::result<admin_reply> pass_on(const admin_request& m, node_id to);
  node_id known_leader() const;
  node_role role() const;
  void publish();
  status describe() const;
  duration jitter();
  instant now() const;

  self_ptr self_;
  server_options options_;
  std::mt19937_64 random_;
  std::optional<core::acceptor> acceptor_;  // from the moment the log's state is known
  std::optional<core::candidacy> candidacy_;
  bool for_transfer_ = false;  // the leader asked for this candidacy
  vote seen_;                  // the greatest vote that a refusal reported
  uint64_t candidacies_;
  uint64_t streams_ = 0;
  std::map<node_id, uint64_t> voted_;  // the incarnations of those who granted this candidacy
  leader_actor leader_;
  node_id handing_over_to_;             // who may be granted a vote while this node leads
  const char* last_refusal_ = nullptr;  // of an append; told once
  bool takes_part_ = true;              // in the membership in force, or there is none
  node_id removed_by_;  // who said that the cluster goes on without this node; for people only
  bool hurry_ = false;  // stand again as soon as the leadership has ended

  leader_id shown_leader_;  // on the board

  log_index led_until_;  // committed by this node's own leaderships
  log_tail tail_;        // as the log store told last
  roster roster_;
  log_id members_at_;  // the membership that peers_ belongs to
  peer_table peers_;

  accepted_batches accepted_;
  bool full_ = false;  // the disk, as the log store told last
  bool looks_for_room_ = false;
  log_index handed_over_;
  core::roll_call roll_;
  std::optional<core::founding> founding_;  // while it is not clear who begins the cluster
  route founder_;                           // who asked for it
  std::set<node_id> waited_for_;            // as was told last, for people only
  bool older_cluster_ = false;  // there is one, says another node; this one has no log yet
  alarm election_;              // or to ask again whether the cluster is new

  // While damage took something.
  alarm restore_;
  bool listened_ = false;  // to whether there is a leader
  core::backoff restore_backoff_;
  duration fetch_patience_;  // for an answer
  node_id helper_;           // had something of it
  std::string told_;         // last, for people only

  // While the machine's state is lost here.
  std::optional<std::string> state_lost_;  // why
  alarm fetch_again_;
  core::backoff fetch_backoff_;
  size_t fetches_ = 0;
  snapshot_fetcher_actor fetcher_;
};

struct server_state {
  static inline const char* name = "server";
  std::unique_ptr<server> me;
};

server_actor::behavior_type server_behavior(server_actor::stateful_pointer<server_state> self,
                                            server_options options);

}  // namespace troupe
