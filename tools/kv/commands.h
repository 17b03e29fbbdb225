// What the key-value machine's commands do, whatever keeps its keys.
//
// Commands and queries are what command.h encodes; a result is the bytes of a RESP2 reply, errors
// included. What cannot be parsed, and a query among the commands, is answered `-ERR …` and changes
// nothing. Deterministic: results and state depend on the commands alone, and are the same over
// every store.
//
// One thread at a time.
#pragma once

#include <string>

#include "proto/frames.h"
#include "tools/kv/command.h"
#include "tools/kv/sessions.h"
#include "tools/kv/store.h"

namespace troupe::kv {

// A query whose reply would be longer is refused (MGET) or stops early (SCAN).
inline constexpr size_t max_reply_bytes = 64 << 20;

class commands {
 public:
  // `known` is apart from the data: FLUSHALL must happen once, too. Both must outlive it.
  commands(store& data, sessions& known) : data_(data), sessions_(known) {}

  // One command, or one question. Adds one result.
  void apply(std::string_view bytes, frames& results);
  void query(std::string_view question, frames& results);

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

  std::string_view bulk_or_nil(const std::optional<store::value>& value);
  std::string_view integer(int64_t n);
  std::string_view error(std::string_view text);

  store& data_;
  sessions& sessions_;
  std::string reply_;
  std::string page_;  // SCAN's keys, before their number is known
};

}  // namespace troupe::kv
