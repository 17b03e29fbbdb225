// Judges what clients were told: every answer must be the truth, whatever happens in the cluster.
//
//   ok          applied exactly once, at its index, in the order of its proposal; never lost
//   refused     (not_leader, quorum_lost, busy, too_large, dropped, invalid): never applied
//   otherwise   (a timeout, outcome_unknown, …) applied at most once, or never
//
// The machine is a list, and every answer says how long it was. So a history is linearizable
// exactly when each answer agrees with the one order in which commands were applied, and time runs
// forward in it: an operation sees all that was answered before it began (Herlihy & Wing 1990).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/messages.h"
#include "testing/ledger.h"

namespace troupe::sim {

class oracle {
 public:
  using complaint = std::function<void(const std::string&)>;

  explicit oracle(complaint c) : complaint_(std::move(c)) {}

  // -- what nodes do ----------------------------------------------------------------------------

  // Some node applied a command; many nodes do so with the same one.
  void on_applied(log_index index, uint64_t command, const entry& e);

  // -- what clients see -------------------------------------------------------------------------

  using operation = uint64_t;
  // `count` new commands, proposed in one message.
  operation begin_write(size_t count);
  // All but stale ones must be linearizable.
  operation begin_read(read_mode mode = read_mode::linearizable);
  const std::vector<uint64_t>& commands_of(operation op) const { return open_.at(op).commands; }
  // Each operation ends exactly once.
  void end(operation op, const outcome& o);

  struct totals {
    size_t begun = 0, ok_writes = 0, ok_reads = 0, refused = 0, unknown = 0;
    std::map<read_mode, size_t> ok_reads_by;
  };
  const totals& count() const { return totals_; }
  size_t open() const { return open_.size(); }
  size_t applied() const { return history_.size(); }
  // The last state that any node had.
  entry last() const { return history_.empty() ? entry{} : history_.back().after; }

 private:
  struct pending {
    std::optional<read_mode> read;  // else it is a write
    uint64_t floor;                 // the longest list that was answered before this began
    std::vector<uint64_t> commands;
  };
  struct applied_command {
    uint64_t command;
    log_index index;
    entry after;
  };

  operation begin(std::optional<read_mode> read, size_t count);
  void end_write(const pending& op, const outcome& o);
  void end_read(const pending& op, const outcome& o);
  bool known(const entry& e) const;
  template <class... Parts>
  void require(bool holds, const Parts&... why);

  complaint complaint_;
  uint64_t commands_ = 0;
  uint64_t operations_ = 0;
  uint64_t answered_ = 0;  // the longest list that any answer told of
  std::map<operation, pending> open_;
  std::vector<applied_command> history_;
  std::map<uint64_t, uint64_t> positions_;  // of each applied command
  std::set<uint64_t> refused_;
  totals totals_;
};

}  // namespace troupe::sim
