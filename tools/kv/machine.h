// The replicated key-value store, with its state in memory: string keys, string values, Redis'
// commands on them (commands.h).
//
// One thread at a time.
#pragma once

#include "actors/machine.h"
#include "tools/kv/commands.h"
#include "tools/kv/sessions.h"
#include "tools/kv/table.h"

namespace troupe::kv {

class machine final : public troupe::machine {
 public:
  void apply(log_index first, frames_view batch, frames& results) override;
  void query(std::string_view question, frames& results) override;
  std::unique_ptr<snapshot_source> begin_snapshot() override;
  absl::Status restore(snapshot_source& from) override;

  table& data() { return data_; }
  const sessions& known_sessions() const { return sessions_; }

 private:
  table data_;
  sessions sessions_;
  commands commands_{data_, sessions_};
};

}  // namespace troupe::kv
