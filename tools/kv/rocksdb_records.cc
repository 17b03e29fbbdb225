#include "tools/kv/rocksdb_records.h"

#include <cstring>

namespace troupe::kv {
namespace {

constexpr char long_mark = 1;
constexpr size_t hash_bytes = 6;
constexpr uint64_t header_magic = 0x314d'5245'5055'4f52;  // "ROUPERM1"

void append_big_endian(uint64_t n, size_t bytes, std::string& out) {
  for (size_t shift = 8 * bytes; shift > 0;) out.push_back(static_cast<char>(n >> (shift -= 8)));
}

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number n = 0;
  std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

struct header_bytes {
  uint64_t magic;
  uint64_t incarnation;
  uint64_t applied;
  uint64_t keys;
  uint64_t given;
};
static_assert(sizeof(header_bytes) == 40);

struct session_bytes {
  uint64_t sequence;
  uint64_t used;
};
static_assert(sizeof(session_bytes) == 16);

}  // namespace

void make_head_key(uint64_t hash, std::string_view key, std::string& out) {
  out = data_begin;
  append_big_endian(hash, hash_bytes, out);
  out += key;
}

void make_chunk_key(std::string_view head_key, uint32_t number, std::string& out) {
  out = heads_end;
  out += head_key.substr(1);
  append_big_endian(number, sizeof number, out);
}

head_name name_of(std::string_view head_key) {
  uint64_t hash = 0;
  for (size_t i = 1; i <= hash_bytes; ++i) hash = hash << 8 | static_cast<uint8_t>(head_key[i]);
  return {hash, head_key.substr(1 + hash_bytes)};
}

std::string encode_long_head(size_t size) {
  const auto n = static_cast<uint32_t>(size);
  std::string record(1, long_mark);
  record.append(reinterpret_cast<const char*>(&n), sizeof n);
  return record;
}

std::optional<head> decode_head(std::string_view record) {
  if (record.empty()) return std::nullopt;
  if (record[0] == inline_mark) return head{record.size() - 1, record.data() + 1};
  if (record[0] != long_mark || record.size() != 1 + sizeof(uint32_t)) return std::nullopt;
  return head{number_at<uint32_t>(record, 1), nullptr};
}

std::string encode(const state_header& h) {
  const header_bytes b{header_magic, h.incarnation, h.applied.value, h.keys, h.given};
  return {reinterpret_cast<const char*>(&b), sizeof b};
}

std::optional<state_header> decode_header(std::string_view record) {
  header_bytes b{};
  if (record.size() != sizeof b) return std::nullopt;
  std::memcpy(&b, record.data(), sizeof b);
  if (b.magic != header_magic) return std::nullopt;
  return state_header{b.incarnation, log_index(b.applied), b.keys, b.given};
}

std::string session_key(std::string_view id) { return std::string(sessions_begin).append(id); }

std::string encode(const sessions::entry& e) {
  const session_bytes b{e.sequence, e.used};
  return std::string(reinterpret_cast<const char*>(&b), sizeof b).append(e.answer);
}

std::optional<sessions::entry> decode_session(std::string_view key, std::string_view record) {
  session_bytes b{};
  if (key.empty() || record.size() < sizeof b) return std::nullopt;
  std::memcpy(&b, record.data(), sizeof b);
  return sessions::entry{std::string(key.substr(1)), b.sequence,
                         std::string(record.substr(sizeof b)), b.used};
}

}  // namespace troupe::kv
