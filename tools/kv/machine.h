// The replicated key-value store: string keys, string values, Redis' commands on them.
//
// Commands and queries are what command.h encodes; a result is the bytes of a RESP2 reply, errors
// included. What cannot be parsed, and a query among the commands, is answered `-ERR …` and changes
// nothing. Deterministic: results and state depend on the commands alone.
//
// One thread at a time.
#pragma once

#include <string>

#include "actors/machine.h"
#include "tools/kv/command.h"
#include "tools/kv/sessions.h"
#include "tools/kv/table.h"

namespace troupe::kv {

// A query whose reply would be longer is refused (MGET) or stops early (SCAN).
inline constexpr size_t max_reply_bytes = 64 << 20;

class machine final : public troupe::machine {
 public:
  void apply(log_index first, frames_view commands, frames& results) override;
  void query(std::string_view question, frames& results) override;
  std::unique_ptr<snapshot_source> begin_snapshot() override;
  absl::Status restore(snapshot_source& from) override;

  const table& data() const { return data_; }
  const sessions& known_sessions() const { return sessions_; }

 private:
  // Each answers a reply that is valid until the next one.
  std::string_view execute_once(command& c);
  std::string_view execute(command& c);
  std::string_view set(command& c);
  std::string_view getset(command& c);
  std::string_view del(command& c);
  std::string_view incr_by(command& c);
  std::string_view append(command& c);
  std::string_view mset(command& c);
  std::string_view cas(command& c);
  std::string_view cas_absent(command& c);

  std::string_view answer(command& c);
  std::string_view exists(command& c);
  std::string_view mget(command& c);
  std::string_view scan(command& c);

  std::string_view bulk_or_nil(const std::string* value);
  std::string_view integer(int64_t n);
  std::string_view error(std::string_view text);

  table data_;
  sessions sessions_;  // apart from the data: FLUSHALL must happen once, too
  std::string reply_;
  std::string page_;  // SCAN's keys, before their number is known
};

}  // namespace troupe::kv
