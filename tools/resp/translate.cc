#include "tools/resp/translate.h"

#include <algorithm>
#include <array>

#include <absl/container/flat_hash_map.h>

#include "tools/kv/command.h"
#include "tools/kv/reply.h"
#include "tools/resp/local_commands.h"

namespace troupe::resp {
namespace {

using kv::op;

constexpr std::string_view not_an_integer = "ERR value is not an integer or out of range";
constexpr std::string_view syntax_error = "ERR syntax error";

// Encodes the command into `out.bytes`, or answers an error text.
using encoder = std::string_view (*)(words command, request& out);
using local_answer = bool (*)(words command, client& who, std::string& out);

struct row {
  std::string_view name;  // in lower case
  int arity;              // words, the name included; -n: at least n
  request_kind kind;
  encoder encode = nullptr;       // of a write, read or admin request
  local_answer answer = nullptr;  // of a local one
};

// The answer with an old value, and what stands around it.
constexpr size_t old_value = kv::max_old_value_bytes + 32;

// Commands whose arguments are the encoded ones, in the same order.
template <op What>
std::string_view plain(words command, request& out) {
  kv::encode(What, 0, command.subspan(1), out.bytes);
  return {};
}

std::string_view encode_set(words command, request& out) {
  uint8_t flags = 0;
  for (const std::string_view option : command.subspan(3)) {
    if (same_word(option, "nx"))
      flags |= kv::only_if_absent;
    else if (same_word(option, "xx"))
      flags |= kv::only_if_present;
    else if (same_word(option, "get"))
      flags |= kv::return_old;
    else
      return syntax_error;
  }
  constexpr uint8_t both = kv::only_if_absent | kv::only_if_present;
  if ((flags & both) == both) return syntax_error;
  kv::encode(op::set, flags, command.subspan(1, 2), out.bytes);
  if ((flags & kv::return_old) != 0) out.answer = old_value;
  return {};
}

std::string_view encode_getset(words command, request& out) {
  out.answer = old_value;
  return plain<op::getset>(command, out);
}

void encode_increment(std::string_view key, int64_t by, request& out) {
  const std::string number = kv::encode_number(by);
  const std::string_view args[] = {key, number};
  kv::encode(op::incr_by, 0, args, out.bytes);
}

template <int By>
std::string_view encode_step(words command, request& out) {
  encode_increment(command[1], By, out);
  return {};
}

std::string_view encode_incrby(words command, request& out) {
  int64_t by = 0;
  if (!kv::parse_integer(command[2], by)) return not_an_integer;
  encode_increment(command[1], by, out);
  return {};
}

std::string_view encode_decrby(words command, request& out) {
  int64_t by = 0;
  if (!kv::parse_integer(command[2], by)) return not_an_integer;
  if (by == INT64_MIN) return "ERR decrement would overflow";
  encode_increment(command[1], -by, out);
  return {};
}

std::string_view encode_mset(words command, request& out) {
  if (command.size() % 2 == 0) return "ERR wrong number of arguments for 'mset' command";
  return plain<op::mset>(command, out);
}

// `NIL` stands for absence, so it is the one value that cannot be expected.
std::string_view encode_cas(words command, request& out) {
  if (command[2] != "NIL") return plain<op::cas>(command, out);
  const std::string_view args[] = {command[1], command[3]};
  kv::encode(op::cas_absent, 0, args, out.bytes);
  return {};
}

std::string_view encode_flushall(words command, request& out) {
  const bool known =
      command.size() == 1 ||
      (command.size() == 2 && (same_word(command[1], "sync") || same_word(command[1], "async")));
  if (!known) return syntax_error;
  kv::encode(op::flush_all, 0, {}, out.bytes);
  return {};
}

std::string_view encode_scan(words command, request& out) {
  // At most 48 bits, so that a signed integer holds every cursor.
  int64_t cursor = 0;
  if (!kv::parse_integer(command[1], cursor) || cursor < 0) return "ERR invalid cursor";
  int64_t count = 10;
  std::string_view pattern;
  bool filtered = false;
  for (size_t i = 2; i < command.size(); i += 2) {
    if (i + 1 == command.size()) return syntax_error;
    if (same_word(command[i], "match")) {
      pattern = command[i + 1];
      filtered = true;
    } else if (same_word(command[i], "count")) {
      if (!kv::parse_integer(command[i + 1], count)) return not_an_integer;
      if (count < 1) return syntax_error;
    } else {
      return syntax_error;
    }
  }
  const std::string at = kv::encode_number(cursor);
  const std::string n = kv::encode_number(count);
  const std::string_view args[] = {at, n, pattern};
  kv::encode(op::scan, 0, words(args).first(filtered ? 3 : 2), out.bytes);
  return {};
}

std::string_view encode_loghash(words command, request& out) {
  int64_t index = 0;
  if (!kv::parse_integer(command[1], index) || index < 0) return not_an_integer;
  out.admin = admin_request::log_hash;
  out.argument = static_cast<uint64_t>(index);
  return {};
}

template <admin_request What>
std::string_view encode_admin(words, request& out) {
  out.admin = What;
  return {};
}

std::string_view encode_session(words command, request& out);
std::string_view encode_read(words command, request& out);
bool on_command(words command, client& who, std::string& out);

constexpr auto write = request_kind::write;
constexpr auto read = request_kind::read;
constexpr auto admin = request_kind::admin;
constexpr auto local = request_kind::local;

constexpr row rows[] = {
    {"set", -3, write, encode_set},
    {"getset", 3, write, encode_getset},
    {"del", -2, write, plain<op::del>},
    {"incr", 2, write, encode_step<1>},
    {"decr", 2, write, encode_step<-1>},
    {"incrby", 3, write, encode_incrby},
    {"decrby", 3, write, encode_decrby},
    {"append", 3, write, plain<op::append>},
    {"mset", -3, write, encode_mset},
    {"cas", 4, write, encode_cas},
    {"flushall", -1, write, encode_flushall},
    {"session", -2, write, encode_session},

    {"get", 2, read, plain<op::get>},
    {"exists", -2, read, plain<op::exists>},
    {"strlen", 2, read, plain<op::strlen>},
    {"mget", -2, read, plain<op::mget>},
    {"dbsize", 1, read, plain<op::dbsize>},
    {"scan", -2, read, encode_scan},
    {"read", -3, read, encode_read},

    {"status", 1, admin, encode_admin<admin_request::status>},
    {"members", 1, admin, encode_admin<admin_request::members>},
    {"loghash", 2, admin, encode_loghash},

    {"ping", -1, local, nullptr, on_ping},
    {"echo", 2, local, nullptr, on_echo},
    {"select", 2, local, nullptr, on_select},
    {"info", -1, local, nullptr, on_info},
    {"quit", -1, local, nullptr, on_quit},
    {"hello", -1, local, nullptr, on_hello},
    {"client", -2, local, nullptr, on_client},
    {"config", -2, local, nullptr, on_config},
    {"command", -1, local, nullptr, on_command},
};

constexpr size_t longest_name = 8;
static_assert(std::ranges::all_of(rows,
                                  [](const row& r) { return r.name.size() <= longest_name; }));

const row* find_row(std::string_view name) {
  static const auto& index = *[] {
    auto* map = new absl::flat_hash_map<std::string_view, const row*>();
    for (const row& r : rows) map->emplace(r.name, &r);
    return map;
  }();
  std::array<char, longest_name> lower;
  if (name.size() > lower.size()) return nullptr;
  std::ranges::transform(name, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  const auto it = index.find(std::string_view(lower.data(), name.size()));
  return it == index.end() ? nullptr : it->second;
}

bool fits(const row& r, size_t count) {
  return r.arity >= 0 ? count == static_cast<size_t>(r.arity)
                      : count >= static_cast<size_t>(-r.arity);
}

void set_error(std::string_view text, request& out) {
  out.kind = local;
  out.bytes.clear();
  kv::append_error(out.bytes, text);
}

void set_wrong_number(const row& r, request& out) {
  set_error("ERR wrong number of arguments for '" + std::string(r.name) + "' command", out);
}

void set_unknown(words command, request& out) {
  // A browser was tricked into sending a form to this port: what follows are its headers.
  if (same_word(command[0], "post") || same_word(command[0], "host:")) {
    set_error("ERR this port speaks the Redis protocol, not HTTP", out);
    out.kind = request_kind::hang_up;
    return;
  }
  std::string text = "ERR unknown command '" + shown(command[0]) + "', with args beginning with: ";
  for (const std::string_view word : command.subspan(1)) {
    if (text.size() > 256) break;
    text += "'" + shown(word) + "' ";
  }
  set_error(text, out);
}

bool parse_mode(std::string_view word, read_mode& mode) {
  static constexpr std::string_view names[] = {"linearizable", "lease", "follower", "stale"};
  for (size_t i = 0; i < std::size(names); ++i) {
    if (!same_word(word, names[i])) continue;
    mode = static_cast<read_mode>(i);
    return true;
  }
  return false;
}

// Encodes the command inside READ or SESSION. It is of the outer one's kind, and only the data's:
// `wrapper`, the outer one's encoder, does not stand inside itself.
std::string_view encode_inner(words inner, request_kind kind, encoder wrapper,
                              std::string_view refusal, request& out) {
  const row* r = find_row(inner[0]);
  if (r == nullptr || r->kind != kind || r->encode == wrapper) return refusal;
  if (!fits(*r, inner.size())) return set_wrong_number(*r, out), std::string_view();
  return r->encode(inner, out);
}

// SESSION id sequence COMMAND …, or SESSION NEW
std::string_view encode_session(words command, request& out) {
  if (command.size() == 2 && same_word(command[1], "new"))
    return plain<op::open_session>(command.first(1), out);
  if (command.size() < 4) return "ERR wrong number of arguments for 'session' command";
  uint64_t sequence = 0;
  if (!kv::parse_sequence(command[2], sequence))
    return "ERR the sequence of SESSION is a number from 1 to 18446744073709551615";
  if (command[1].size() > kv::max_session_id_bytes)
    return "ERR session id is longer than 128 bytes";
  const auto error = encode_inner(command.subspan(3), write, encode_session,
                                  "ERR SESSION takes a command that writes", out);
  if (error.empty() && out.kind == write) kv::put_in_session(command[1], sequence, out.bytes);
  // Whatever it is: the answer may be that to an earlier command.
  out.answer = old_value;
  return error;
}

// READ mode COMMAND …
std::string_view encode_read(words command, request& out) {
  if (!parse_mode(command[1], out.mode))
    return "ERR the mode of READ is linearizable, lease, follower or stale";
  return encode_inner(command.subspan(2), read, encode_read,
                      "ERR READ takes a command that only reads", out);
}

bool on_command(words command, client&, std::string& out) {
  // No client needs the table itself: an empty one switches off hints only.
  if (command.size() > 1 && same_word(command[1], "count"))
    kv::append_integer(out, std::size(rows));
  else
    out += kv::empty_array_reply;
  return false;
}

}  // namespace

void translate(words command, client& who, request& out) {
  out.bytes.clear();
  out.mode = read_mode::linearizable;
  out.argument = 0;
  out.answer = 0;
  const row* r = find_row(command[0]);
  if (r == nullptr) return set_unknown(command, out);
  if (!fits(*r, command.size())) return set_wrong_number(*r, out);
  out.kind = r->kind;
  if (r->answer != nullptr) {
    if (r->answer(command, who, out.bytes)) out.kind = request_kind::hang_up;
  } else if (const auto error = r->encode(command, out); !error.empty()) {
    set_error(error, out);
  }
}

}  // namespace troupe::resp
