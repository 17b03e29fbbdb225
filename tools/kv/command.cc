#include "tools/kv/command.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace troupe::kv {
namespace {

constexpr uint32_t many = std::numeric_limits<uint32_t>::max();

enum class keys : uint8_t { none, first, all, every_second };

// What an op demands of its arguments.
struct shape {
  uint32_t min;
  uint32_t max;
  keys where;
  uint8_t numbers;  // bit i: argument i is a number
  uint8_t flags;    // those allowed
};

const shape* shape_of(op what) {
  static constexpr shape writes[] = {
      {0, 0, keys::none, 0, 0},             // 0 is no op
      {2, 2, keys::first, 0, 7},            // set
      {2, 2, keys::first, 0, 0},            // getset
      {1, many, keys::all, 0, 0},           // del
      {2, 2, keys::first, 2, 0},            // incr_by
      {2, 2, keys::first, 0, 0},            // append
      {2, many, keys::every_second, 0, 0},  // mset
      {0, 0, keys::none, 0, 0},             // flush_all
      {3, 3, keys::first, 0, 0},            // cas
      {2, 2, keys::first, 0, 0},            // cas_absent
      {1, 0, keys::none, 0, 0},             // in_session is no command of its own
      {0, 0, keys::none, 0, 0},             // open_session
  };
  static constexpr shape queries[] = {
      {1, 1, keys::first, 0, 0},   // get
      {1, many, keys::all, 0, 0},  // exists
      {1, 1, keys::first, 0, 0},   // strlen
      {1, many, keys::all, 0, 0},  // mget
      {0, 0, keys::none, 0, 0},    // dbsize
      {2, 3, keys::none, 3, 0},    // scan
  };
  const auto n = static_cast<uint8_t>(what);
  if (n >= 128) return size_t{n} - 128 < std::size(queries) ? &queries[n - 128] : nullptr;
  return n != 0 && n < std::size(writes) ? &writes[n] : nullptr;
}

bool is_key(keys where, uint32_t position) {
  switch (where) {
    case keys::none:
      return false;
    case keys::first:
      return position == 0;
    case keys::all:
      return true;
    case keys::every_second:
      return position % 2 == 0;
  }
  return false;
}

std::string_view check_argument(const shape& s, uint32_t position, std::string_view argument) {
  if (argument.size() > max_value_bytes) return "ERR value is longer than 33554432 bytes";
  if (argument.size() > max_key_bytes && is_key(s.where, position))
    return "ERR key is longer than 65536 bytes";
  if (position < 8 && (s.numbers >> position & 1) != 0 && argument.size() != sizeof(int64_t))
    return "ERR malformed command";
  return {};
}

std::string_view parse_alone(std::string_view bytes, command& out) {
  if (bytes.size() < 2) return "ERR malformed command";
  out.what = static_cast<op>(bytes[0]);
  out.flags = static_cast<uint8_t>(bytes[1]);
  const shape* s = shape_of(out.what);
  if (s == nullptr) return "ERR malformed command: unknown operation";
  if ((out.flags & ~s->flags) != 0) return "ERR malformed command";
  out.args = arguments(bytes.substr(2));
  out.count = 0;
  std::string_view argument;
  for (arguments rest = out.args; !rest.done(); ++out.count) {
    if (!rest.next(argument)) return "ERR malformed command";
    if (const auto error = check_argument(*s, out.count, argument); !error.empty()) return error;
  }
  if (out.count < s->min || out.count > s->max) return "ERR malformed command";
  if (s->where == keys::every_second && out.count % 2 != 0) return "ERR malformed command";
  if (out.what == op::scan && out.count == 3 && argument.size() > max_pattern_bytes)
    return "ERR pattern is longer than 1024 bytes";
  return {};
}

std::string_view parse_in_session(std::string_view bytes, command& out) {
  arguments rest(bytes.substr(std::min(bytes.size(), size_t{2})));
  std::string_view number;
  if (!rest.next(out.session) || !rest.next(number) || number.size() != sizeof out.sequence)
    return "ERR malformed command";
  std::memcpy(&out.sequence, number.data(), sizeof out.sequence);
  if (bytes[1] != 0 || out.sequence == 0) return "ERR malformed command";
  if (out.session.size() > max_session_id_bytes) return "ERR session id is longer than 128 bytes";
  if (const auto error = parse_alone(rest.bytes(), out); !error.empty()) return error;
  if (!is_write(out.what) || out.what == op::open_session)
    return "ERR malformed command: a session takes a write";
  return {};
}

}  // namespace

bool arguments::next(std::string_view& argument) {
  uint64_t length = 0;
  size_t at = 0;
  for (int shift = 0;; shift += 7) {
    if (at == rest_.size() || shift > 28) return false;
    const auto byte = static_cast<uint8_t>(rest_[at++]);
    length |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  if (rest_.size() - at < length) return false;
  argument = rest_.substr(at, length);
  rest_.remove_prefix(at + length);
  return true;
}

int64_t arguments::take_number() {
  const std::string_view bytes = take();
  int64_t n = 0;
  if (bytes.size() == sizeof n) std::memcpy(&n, bytes.data(), sizeof n);
  return n;
}

void encode(op what, uint8_t flags, std::span<const std::string_view> args, std::string& out) {
  out.clear();
  out.push_back(static_cast<char>(what));
  out.push_back(static_cast<char>(flags));
  for (const std::string_view argument : args) {
    auto length = argument.size();
    for (; length >= 0x80; length >>= 7) out.push_back(static_cast<char>(length | 0x80));
    out.push_back(static_cast<char>(length));
    out.append(argument);
  }
}

void put_in_session(std::string_view id, uint64_t sequence, std::string& command) {
  const std::string number = encode_number(static_cast<int64_t>(sequence));
  const std::string_view args[] = {id, number};
  std::string prefix;
  encode(op::in_session, 0, args, prefix);
  command.insert(0, prefix);
}

std::string encode_number(int64_t n) {
  std::string bytes(sizeof n, '\0');
  std::memcpy(bytes.data(), &n, sizeof n);
  return bytes;
}

std::string_view parse(std::string_view bytes, command& out) {
  out.session = {};
  out.sequence = 0;
  if (!bytes.empty() && static_cast<op>(bytes[0]) == op::in_session)
    return parse_in_session(bytes, out);
  return parse_alone(bytes, out);
}

bool parse_sequence(std::string_view text, uint64_t& n) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  return error == std::errc{} && stop == end && text[0] != '0';
}

bool parse_integer(std::string_view text, int64_t& n) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || stop != end) return false;
  const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  return digits[0] != '0' || text == "0";
}

}  // namespace troupe::kv
