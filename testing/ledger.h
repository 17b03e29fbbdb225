// The machine of the simulation: a list to which every command adds itself, and a hash over it all.
//
// A command is a unique number and padding. Its result, and that of any query, is an entry: how
// long the list is and its hash, which tell the oracle exactly what was seen.
#pragma once

#include <deque>
#include <functional>

#include "actors/machine.h"

namespace troupe::sim {

struct entry {
  uint64_t position = 0;  // 1 is the first; 0 for the empty list
  uint64_t state = 0;     // a hash over all commands up to here

  bool operator==(const entry&) const = default;
};

std::string encode_command(uint64_t command, size_t padding);
// 0 for what is no command.
uint64_t decode_command(std::string_view bytes);
std::string encode_entry(const entry& e);
entry decode_entry(std::string_view bytes);

class ledger final : public machine {
 public:
  // All that it is.
  struct state {
    log_index applied;
    entry last;
    log_index last_index;  // where that is
  };
  using observer = std::function<void(log_index, uint64_t command, const entry&)>;
  using restore_observer = std::function<void(log_index, const entry&)>;

  // `least`: bytes of a snapshot.
  explicit ledger(observer o, restore_observer r = nullptr, size_t least = 0)
      : observer_(std::move(o)), restored_(std::move(r)), least_(least) {}
  // One that keeps its state over restarts, and begins with what was left of it.
  void keep(const state& left);
  // What it has been in this process and may be after a crash, oldest first.
  const std::deque<state>& past() const { return past_; }
  // The end of its process: nothing is observed any more.
  void detach() { observer_ = nullptr, restored_ = nullptr; }

  void apply(log_index first, frames_view commands, frames& results) override;
  void query(std::string_view question, frames& results) override;
  // The last entry and where it is; behind some also bytes that nobody needs, for there are larger
  // states.
  std::unique_ptr<snapshot_source> begin_snapshot() override;
  absl::Status restore(snapshot_source& from) override;
  log_index applied() const override { return keeps_ ? applied_ : log_index(); }
  void skip(log_index last) override;

  const entry& last() const { return last_; }
  log_index last_index() const { return last_index_; }

 private:
  void note();

  observer observer_;
  restore_observer restored_;
  size_t least_;
  entry last_;
  log_index last_index_;
  log_index applied_;
  bool keeps_ = false;
  std::deque<state> past_;
};

}  // namespace troupe::sim
