// What a storage may hold after a crash, worked out from the calls that were made before it. For
// tests.
//
// The oracle is told each call before it is made and when it has returned. Between two durable
// points it keeps every state that a crash may leave: after each batch of an append, after each
// batch that a truncation takes away, before and after a reset.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/log_storage.h"

namespace troupe::storage {

class crash_oracle {
 public:
  // A log: what it starts after, and the end of each batch.
  struct state {
    log_tail base;
    std::vector<log_tail> ends;

    const log_tail& tail() const { return ends.empty() ? base : ends.back(); }
    bool operator==(const state&) const = default;
  };

  const state& now() const { return states_.back(); }
  // What no crash takes, or, while something is truncated or reset, what was before that.
  const state& durable() const { return states_.front(); }
  const vote& voted() const { return votes_.back(); }

  void will_append(const std::vector<batch_ptr>& batches);
  void will_truncate_after(log_index last);
  void will_reset(const log_tail& to);
  void will_purge(log_index last);
  void will_save_vote(const vote& v) { votes_.push_back(v); }
  // All that was announced is durable.
  void log_is_durable() { states_.erase(states_.begin(), states_.end() - 1); }
  void vote_is_durable() { votes_.erase(votes_.begin(), votes_.end() - 1); }

  // Empty when `storage` holds what it may hold, and then its state is the only one from here on;
  // otherwise what is wrong.
  std::string judge(log_storage& storage);

 private:
  std::vector<state> states_ = {{}};
  std::vector<vote> votes_ = {{}};
  log_index purge_;
};

}  // namespace troupe::storage
