// What the database of a key-value machine holds:
//
//   key                                  value
//   'D' + hash + key                     0, the value        one of at most `inline_bytes`
//                                        1, u32 its size     a longer one
//   'E' + hash + key + u32 number        the next `chunk_bytes` of a longer one
//   'M'                                  state_header
//   'S' + id                             u64 sequence, u64 used, answer
//
// A hash is the 48 bits of store::hash_of, so heads stand in the order of a scan, and a scan reads
// no long value. The number of a chunk is big endian, as is a hash; the rest is little endian.
// A long value is in chunks so that an APPEND to it costs no more than one of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ids.h"
#include "tools/kv/sessions.h"

namespace troupe::kv {

inline constexpr size_t chunk_bytes = 16 << 10;
inline constexpr size_t inline_bytes = chunk_bytes;
// All heads and chunks are between.
inline constexpr std::string_view data_begin = "D";
inline constexpr std::string_view heads_end = "E";
inline constexpr std::string_view data_end = "F";
inline constexpr std::string_view header_key = "M";
inline constexpr std::string_view sessions_begin = "S";
inline constexpr std::string_view sessions_end = "T";

// Replace `out`.
void make_head_key(uint64_t hash, std::string_view key, std::string& out);
// Of the value whose head has that key.
void make_chunk_key(std::string_view head_key, uint32_t number, std::string& out);

struct head_name {
  uint64_t hash;
  std::string_view key;
};
head_name name_of(std::string_view head_key);

// How many chunks a value of this size has.
constexpr uint32_t chunks_of(size_t size) {
  return size <= inline_bytes ? 0 : static_cast<uint32_t>((size + chunk_bytes - 1) / chunk_bytes);
}

// A value's head. `bytes` are null where they are in chunks.
struct head {
  size_t size = 0;
  const char* bytes = nullptr;
};
inline constexpr char inline_mark = 0;
std::string encode_long_head(size_t size);
// Nothing where that is no head.
std::optional<head> decode_head(std::string_view record);

// The whole state, beside keys and sessions. Written with every change.
struct state_header {
  uint64_t incarnation = 0;  // of the log that it is the state of; 0: of none yet
  log_index applied;         // it ends with this entry
  uint64_t keys = 0;
  uint64_t given = 0;  // sessions::given
};
std::string encode(const state_header& h);
// Nothing where another version wrote it, or it is damaged.
std::optional<state_header> decode_header(std::string_view record);

std::string session_key(std::string_view id);
std::string encode(const sessions::entry& e);
std::optional<sessions::entry> decode_session(std::string_view key, std::string_view record);

}  // namespace troupe::kv
