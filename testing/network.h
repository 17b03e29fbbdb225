// The network between simulated nodes: who is alive, which directions are cut, and the fate of each
// message. faulty_link carries messages through it.
//
// A node's incarnation is one run of its process. What an earlier incarnation still sends is
// dropped, and nothing reaches it: its actors may go on for a while after a crash, but nobody hears
// them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/interfaces.h"
#include "testing/dice.h"

namespace troupe::sim {

class judge;

// Where a node is reached.
inline std::string address_of(node_id id) { return "n" + std::to_string(id.value); }

// An incarnation of a node, or a client (incarnation 0, always alive).
struct endpoint {
  node_id id;
  uint64_t incarnation = 0;

  bool operator==(const endpoint&) const = default;
};

// How bad the network is. Probabilities are for each message and direction.
struct weather {
  double loss = 0;
  double duplication = 0;
  double long_delay = 0;   // instead of an ordinary one
  double unreachable = 0;  // of what is lost: the sender is told, as by a broken connection
  double recode = 0;       // goes through the wire format
  duration delay_min = std::chrono::microseconds(50);
  duration delay_max = std::chrono::milliseconds(2);
  duration long_delay_max = std::chrono::milliseconds(800);
};

// What one direction between two nodes carries: one message after another, in order.
struct line {
  double rate = 0;    // bytes a second; 0: unlimited
  duration delay{0};  // of each message, beyond the time that its bytes take
};

class network {
 public:
  network(dice& chance, judge& observer) : chance_(chance), observer_(observer) {}

  // -- who is there -----------------------------------------------------------------------------

  struct server_at {
    uint64_t incarnation = 0;
    server_actor server;  // empty while the node is down
  };
  void join(node_id id, uint64_t incarnation, server_actor server);
  void leave(node_id id);
  server_at current(node_id id) const;
  bool alive(const endpoint& e) const;

  // -- faults -----------------------------------------------------------------------------------

  void set_weather(const weather& w) { weather_ = w; }
  void cut(node_id from, node_id to) { cut_.emplace(from, to); }
  void heal() { cut_.clear(); }
  void set_line(node_id from, node_id to, const line& l) { lines_[{from, to}] = {l}; }

  // When the copies of a message from one to the other arrive, from now on; none when it is lost.
  std::vector<duration> fate(node_id from, node_id to, bool may_duplicate);
  // How much later a message of so many bytes arrives because of the line, behind what is on it.
  duration pass(node_id from, node_id to, byte_count size, instant now);
  // How long what is handed to the line now waits for its turn.
  duration backlog(node_id from, node_id to, instant now) const;
  // All bytes that were handed to the line, cut or not. Counted where a line was set.
  byte_count handed(node_id from, node_id to) const;
  bool connected(node_id from, node_id to) const { return !cut_.contains({from, to}); }
  bool tells_unreachable() { return chance_.chance(weather_.unreachable); }
  bool recodes() { return chance_.chance(weather_.recode); }

  judge& observer() { return observer_; }

 private:
  struct line_in_use {
    line what;
    instant free;  // when it has sent all that it was handed
    byte_count handed;
  };

  dice& chance_;
  judge& observer_;
  weather weather_;
  std::map<node_id, server_at> servers_;
  std::set<std::pair<node_id, node_id>> cut_;
  std::map<std::pair<node_id, node_id>, line_in_use> lines_;
};

}  // namespace troupe::sim
