// Write commands and queries of the key-value machine as compact bytes.
//
// A command is one op byte, one flags byte, and its arguments: each a LEB128 length and its bytes.
// Write commands live in the log for ever, so an op's number and the order of its arguments never
// change. Numbers inside (increments, cursors, counts, sequences) are 8 bytes, little endian.
//
// Thread safe: there is no state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::kv {

enum class op : uint8_t {
  // Writes.
  set = 1,            // key, value; flags: set_flag
  getset = 2,         // key, value
  del = 3,            // key…
  incr_by = 4,        // key, number
  append = 5,         // key, value
  mset = 6,           // (key, value)…
  flush_all = 7,      //
  cas = 8,            // key, expected, new
  cas_absent = 9,     // key, new
  in_session = 10,    // id, sequence: a prefix; the bytes of another write follow
  open_session = 11,  //

  // Queries.
  get = 128,     // key
  exists = 129,  // key…
  strlen = 130,  // key
  mget = 131,    // key…
  dbsize = 132,  //
  scan = 133,    // cursor, count[, pattern]
};

enum set_flag : uint8_t {
  only_if_absent = 1,
  only_if_present = 2,
  return_old = 4,
};

// Keys are compared, hashed and matched as a whole, so they stay far below the bound of values.
inline constexpr size_t max_key_bytes = 64 << 10;
// No value grows beyond this, and no argument of a command is longer.
inline constexpr size_t max_value_bytes = 32 << 20;
// A write answers no longer value than this. Its answer is made on every node and kept in sessions,
// and unlike a query's it cannot be asked for again in parts.
inline constexpr size_t max_old_value_bytes = 64 << 10;
// Sessions are counted, so an id is not the place for bulk.
inline constexpr size_t max_session_id_bytes = 128;
// A pattern's cost is its length times the key's.
inline constexpr size_t max_pattern_bytes = 1 << 10;

constexpr bool is_write(op what) { return static_cast<uint8_t>(what) < 128; }

// Walks the arguments of a parsed command.
class arguments {
 public:
  arguments() = default;
  explicit arguments(std::string_view bytes) : rest_(bytes) {}

  // Steps to the next one; false when there is none, or when the bytes are cut short.
  bool next(std::string_view& argument);
  // The next one of a command whose shape was parsed.
  std::string_view take() {
    std::string_view argument;
    next(argument);
    return argument;
  }
  // The next one as a number; parsed commands hold 8 bytes there.
  int64_t take_number();
  bool done() const { return rest_.empty(); }
  // What was not stepped over.
  std::string_view bytes() const { return rest_; }

 private:
  std::string_view rest_;
};

// A command whose shape was checked. Does not own its bytes.
struct command {
  op what{};
  uint8_t flags = 0;
  uint32_t count = 0;  // of the arguments
  arguments args;
  std::string_view session;  // its id
  uint64_t sequence = 0;     // in the session; 0: there is none
};

// Replaces `out` with the command.
void encode(op what, uint8_t flags, std::span<const std::string_view> args, std::string& out);
// Puts a write that was encoded into a session. `sequence` from 1.
void put_in_session(std::string_view id, uint64_t sequence, std::string& command);
// A number argument; keep the string while encoding.
std::string encode_number(int64_t n);

// Checks any bytes for a command that can be executed: a known op, its number of arguments, their
// bounds. Answers an error text (empty: fine, `out` is set).
std::string_view parse(std::string_view bytes, command& out);

// A decimal from 1 that fits 64 bits, without leading zeros.
bool parse_sequence(std::string_view text, uint64_t& n);
// A decimal integer as Redis reads one: no sign but '-', no leading zeros, no spaces, 64 bits.
bool parse_integer(std::string_view text, int64_t& n);

}  // namespace troupe::kv
