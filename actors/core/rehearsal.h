// Several nodes on one page: acceptors, candidacies and leaderships wired together as server and
// leader do it, without actors, in virtual time, over links that delay, repeat and lose.
//
// For elections: leaders send heartbeats, and nobody's log grows unless `replicate` says so. Then
// leaders write, followers catch up, and what was committed is looked after.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "actors/core/acceptor.h"
#include "actors/core/candidacy.h"
#include "actors/core/leadership.h"
#include "actors/core/link_graph.h"
#include "actors/core/roll_call.h"

namespace troupe::core {

class rehearsal {
 public:
  struct options {
    uint64_t nodes = 3;
    // Of the nodes 1..nodes; a majority of them where nothing is said.
    std::optional<quorum> voters;
    vote_mode mode = vote_mode::advanced;
    uint64_t seed = 1;
    core::timing timing;
    duration latency_min = std::chrono::milliseconds(1);
    duration latency_max = std::chrono::milliseconds(5);
    // All nodes start their timers with the same random part, so that elections split.
    bool in_step = false;
    // Where the logs of the nodes 1, 2, … end; empty logs where nothing is said.
    std::vector<uint64_t> logs;
    bool replicate = false;
  };
  explicit rehearsal(options o);

  uint64_t seed() const { return options_.seed; }

  // -- time --
  instant clock() const { return now_; }
  void run_for(duration d);
  // False when `limit` passed first.
  bool run_until(const std::function<bool()>& done, duration limit);

  // -- faults --
  void mute(uint64_t id);  // what it sends is lost
  void deafen(uint64_t id);
  void isolate(uint64_t id) { mute(id), deafen(id); }
  void cut(uint64_t from, uint64_t to) { cut_.insert({node_id(from), node_id(to)}); }
  // Only these pairs reach each other.
  void only(const std::vector<std::pair<uint64_t, uint64_t>>& links);
  void impose(const link_graph& links);
  void heal() { cut_.clear(); }
  void restart(uint64_t id);
  // So many of 100 messages are lost, and as many come twice.
  void disturb(unsigned percent) { percent_ = percent; }

  // -- operators --
  // Lets the node stand for election at once.
  void elect(uint64_t id) { campaign(nodes_.at(node_id(id))); }

  // -- writes --
  // Every node that leads and is in touch with a quorum appends write number `write` ≥ 1, once.
  void offer(uint64_t write);
  bool committed(uint64_t write) const { return done_.contains(write); }

  // -- what can be seen --
  const acceptor& of(uint64_t id) const { return *nodes_.at(node_id(id)).voter; }
  bool leads(uint64_t id) const { return nodes_.at(node_id(id)).leading.has_value(); }
  // The leader that is in touch with a quorum, 0 when there is none.
  uint64_t leader() const;
  uint64_t greatest_term() const;
  // Everything that was won so far.
  const std::vector<vote>& elected() const { return elected_; }
  // How often the node saved a vote, and how often it stood for election.
  uint64_t saves(uint64_t id) const { return nodes_.at(node_id(id)).saves; }
  uint64_t candidacies(uint64_t id) const { return nodes_.at(node_id(id)).candidacies; }
  // What must never happen and did: empty in every test.
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  struct node {
    node_id id;
    std::unique_ptr<acceptor> voter;
    std::optional<roll_call> roll;
    std::optional<candidacy> standing;
    std::optional<leadership> leading;
    vote seen;
    uint64_t number = 0;  // of the last candidacy
    uint64_t alarm = 0;   // an alarm of an older number is stale
    uint64_t candidacies = 0;
    uint64_t saves = 0;
    std::vector<batch_ptr> entries;   // [i] has index i + 1
    std::map<node_id, log_id> asked;  // as leader: what each follower is asked to have
    uint64_t offered = 0;             // the last write that this leadership appended
    log_index compared;               // committed up to here, as others did
  };

  void at(instant when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
  void send(node_id from, node_id to, std::function<void()> arrives);
  void arm(node& n);
  duration jitter();
  void save(node& n, const vote& v);

  void look(node& n);
  void ask_for_vote(node& n, const vote_request& m);
  void campaign(node& n);
  void conclude(node& n, candidacy::result r);
  void lead(node& n);
  void check_election(const vote& elected, const node& n);
  void stop_leading(node& n);
  void beat(node& n, const vote& elected);
  void end(node& n, bool hurry);
  void on_vote_request(node& n, const vote_request& m);
  void on_append_request(node& n, node_id from, const append_request& m, instant sent);
  void on_append_reply(node& n, node_id from, const append_reply& m, instant sent);
  void append(node& n, uint64_t write);
  void ask(node& n, node_id to);
  void ask_all(node& n);
  void write(node& n, const accepted_append& accepted);
  void compare(node& n, log_index committed);

  options options_;
  std::mt19937_64 random_;
  membership members_;
  instant now_;
  std::multimap<instant, std::function<void()>> events_;
  std::map<node_id, node> nodes_;
  std::set<std::pair<node_id, node_id>> cut_;
  unsigned percent_ = 0;
  std::vector<vote> elected_;
  std::vector<log_id> committed_;  // [i] has index i + 1
  std::set<uint64_t> done_;        // the writes among them
  std::vector<std::string> broken_;
};

}  // namespace troupe::core
