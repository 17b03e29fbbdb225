// What must hold of a cluster at every moment, one class and file each. judge tells them what
// happened; they look at the world and remember what they need.
#pragma once

#include <functional>
#include <sstream>
#include <string>

#include "actors/core/messages.h"
#include "testing/world.h"

namespace troupe::sim {

// Where a node is with its log.
struct position {
  log_index applied, committed, last;
};

class invariant {
 public:
  // Takes what is broken, in words; only the first one counts.
  using complaint = std::function<void(const std::string&)>;

  invariant(const char* name, const world& w, complaint c)
      : world_(w), name_(name), complaint_(std::move(c)) {}
  virtual ~invariant() = default;

  // -- a disk; told before the world shows it ---------------------------------------------------

  virtual void on_vote_saved(node_id, const vote&) {}
  virtual void on_appended(node_id, const batch&) {}
  virtual void on_truncated(node_id, log_index /*last_kept*/) {}
  // The node starts again with what it found on its disk.
  virtual void on_reopened(node_id, const vote&, const batches&) {}

  // -- an actor ---------------------------------------------------------------------------------

  // The node's new leadership, with the log that it begins with.
  virtual void on_elected(node_id, const vote&, const batches&) {}
  // The node holds this entry committed; `leads`: by its own decision. Told before the world shows
  // it.
  virtual void on_committed(node_id, const committed_entry&, bool /*leads*/) {}
  // The node's state after it applied `command` at `index` is `state`.
  virtual void on_applied(node_id, log_index, uint64_t /*command*/, uint64_t /*state*/) {}
  // The node's state is that of a snapshot, in which the last command stands at this index.
  virtual void on_restored(node_id, log_index, uint64_t /*state*/) {}
  virtual void on_position(node_id, const position&) {}

  // -- the network ------------------------------------------------------------------------------

  virtual void on_vote_reply(node_id, const core::vote_reply&) {}
  virtual void on_append_reply(node_id, const core::append_reply&) {}

 protected:
  template <class... Parts>
  void require(bool holds, const Parts&... why) {
    if (holds) return;
    std::ostringstream out;
    out << name_ << ": ";
    (out << ... << why);
    complaint_(out.str());
  }

  const world& world_;

 private:
  const char* name_;
  complaint complaint_;
};

}  // namespace troupe::sim
