// How ordinary threads hand commands and queries to the edge actor: gathered in loads, each of
// which becomes one message.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "actors/messages.h"

namespace troupe {

// What became of one command or query. `result` is valid during the call only.
struct answer {
  raft_errc code = raft_errc::none;
  node_id leader;   // with not_leader: where to go, when known
  log_index index;  // the command's place in the log; of a query: the state that answered
  std::string_view result;
  leader_id under;  // of a command that was applied: the leadership that put it into the log
};
// Each runs once, on a scheduler thread or, where nothing was taken, on the caller's before the
// call returns: keep it short and never block in it. An empty one: nobody wants to know.
using callback = absl::AnyInvocable<void(const answer&)>;
using outcome_callback = absl::AnyInvocable<void(const outcome&)>;
// The command is committed under this log id, but not applied yet.
using commit_callback = absl::AnyInvocable<void(const log_id&)>;

// Thread safe.
class intake {
 public:
  // What all items of a load share; others start a load of their own.
  struct terms {
    leader_id only_under;                      // of commands
    read_mode mode = read_mode::linearizable;  // of queries
    duration deadline{};

    bool operator==(const terms&) const = default;
  };
  struct load {
    terms under;
    frames items;
    std::vector<callback> callbacks;  // one for each item, or
    outcome_callback whole;           // one for all of them
    // By the item's place in the load; few ask for it.
    std::vector<std::pair<uint32_t, commit_callback>> on_commit;
    bool last = false;  // none came behind it before it was taken
  };

  // What may wait, in bytes: items, and for each closure its own size and a guess of what it holds.
  // Also the most that one proposal holds.
  static constexpr size_t bound = 32 << 20;

  enum class pushed { first, more, full, too_large, closed };
  // `first`: the edge must be woken. `full`: over the bound for now, `too_large`: for ever;
  // `closed`: the node has ended. Of these three nothing was taken, callbacks included.
  pushed push(std::string_view item, const terms& t, callback&& done, commit_callback&& on_commit);
  // Items that belong together, none of them included; `one` has a `whole`.
  pushed push(load&& one);
  // The oldest load. When it was the last, the edge must be woken for what comes later.
  std::optional<load> take();
  // The edge is at work and will take what comes without being woken.
  void rouse();
  // Gives what waits and takes nothing any more.
  std::deque<load> close();

 private:
  static size_t cost_of(const load& l);
  std::optional<pushed> refuse(size_t payload, size_t cost) const;
  pushed taken(size_t cost);

  std::mutex mutex_;
  std::deque<load> loads_;
  size_t bytes_ = 0;    // of all loads
  bool awake_ = false;  // the edge will come
  bool closed_ = false;
};

// Both intakes of a node; shared by all copies of its handle.
struct intakes {
  intake writes;
  intake reads;
};

}  // namespace troupe
