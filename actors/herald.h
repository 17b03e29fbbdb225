// The herald actor: tells those who wait for something to become true of the node, and those who
// listen to its leaders. All that it calls, it calls one after the other and outside any lock.
#pragma once

#include <memory>

#include "actors/alarm.h"
#include "actors/interfaces.h"
#include "actors/observed.h"
#include "caf/actor.hpp"

namespace troupe {

// There are news on the board.
struct stir {};

using herald_actor = caf::typed_actor<caf::reacts_to<stir>, caf::reacts_to<tick>>;

class herald {
 public:
  using self_ptr = herald_actor::pointer;

  herald(self_ptr self, std::shared_ptr<observed> board);
  // Tells listeners and those who still wait that the node has ended.
  ~herald();

  void on_stir();
  void on_tick(const tick& t);

 private:
  struct pending {
    instant until;
    observed::wait what;
  };

  void add(observed::news& news);
  size_t tell(const metrics& facts);
  size_t give_up();

  self_ptr self_;
  std::shared_ptr<observed> board_;
  std::vector<pending> waits_;
  std::vector<observed::listener> listeners_;
  alarm next_;
};

struct herald_state {
  static inline const char* name = "herald";
  std::unique_ptr<herald> me;
};

// Ends when the last of `subjects` has ended.
herald_actor::behavior_type herald_behavior(herald_actor::stateful_pointer<herald_state> self,
                                            std::shared_ptr<observed> board,
                                            std::vector<caf::actor> subjects);

}  // namespace troupe

TROUPE_LOCAL_MESSAGE(stir)
