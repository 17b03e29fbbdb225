#include "tools/resp/local_commands.h"

#include <algorithm>

#include "tools/kv/command.h"
#include "tools/kv/reply.h"

namespace troupe::resp {
namespace {

using kv::append_array;
using kv::append_bulk;
using kv::append_error;
using kv::append_integer;

// Clients choose what they send by the version of Redis that they talk to.
constexpr std::string_view redis_version = "7.0.0";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void append_unknown_subcommand(std::string_view command, std::string_view word, std::string& out) {
  append_error(out,
               "ERR unknown subcommand '" + shown(word) + "' of '" + std::string(command) + "'");
}

void append_wrong_number(std::string_view command, std::string& out) {
  append_error(out, "ERR wrong number of arguments for '" + std::string(command) + "' command");
}

bool is_client_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

// Answers whether the name was taken.
bool set_name(std::string_view name, client& who, std::string& out) {
  if (!is_client_name(name) || name.size() > 256) {
    append_error(out,
                 "ERR Client names cannot contain spaces, newlines or special characters, nor be "
                 "longer than 256 bytes.");
    return false;
  }
  who.name = name;
  return true;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string shown(std::string_view text) { return std::string(text.substr(0, 128)); }

bool on_quit(words, client&, std::string& out) {
  out += kv::ok_reply;
  return true;
}

bool on_ping(words command, client&, std::string& out) {
  if (command.size() > 2)
    append_wrong_number("ping", out);
  else if (command.size() == 2)
    append_bulk(out, command[1]);
  else
    out += "+PONG\r\n";
  return false;
}

bool on_echo(words command, client&, std::string& out) {
  append_bulk(out, command[1]);
  return false;
}

bool on_select(words command, client&, std::string& out) {
  int64_t n = 0;
  if (!kv::parse_integer(command[1], n))
    append_error(out, "ERR value is not an integer or out of range");
  else if (n != 0)
    append_error(out, "ERR DB index is out of range");
  else
    out += kv::ok_reply;
  return false;
}

bool on_info(words, client&, std::string& out) {
  append_bulk(out, "# Server\r\nserver_name:troupe\r\nredis_version:" + std::string(redis_version) +
                       "\r\nredis_mode:standalone\r\n# Replication\r\nrole:master\r\n");
  return false;
}

bool on_hello(words command, client& who, std::string& out) {
  int64_t version = 2;
  if (command.size() > 1 && !kv::parse_integer(command[1], version)) {
    append_error(out, "ERR Protocol version is not an integer or out of range");
    return false;
  }
  if (version != 2) {
    append_error(out, "NOPROTO unsupported protocol version");
    return false;
  }
  for (size_t i = 2; i < command.size(); i += 2) {
    if (i + 1 == command.size() || !same_word(command[i], "setname")) {
      append_error(out, "ERR Syntax error in HELLO option '" + shown(command[i]) + "'");
      return false;
    }
    if (!set_name(command[i + 1], who, out)) return false;
  }
  append_array(out, 14);
  append_bulk(out, "server");
  append_bulk(out, "redis");
  append_bulk(out, "version");
  append_bulk(out, redis_version);
  append_bulk(out, "proto");
  append_integer(out, 2);
  append_bulk(out, "id");
  append_integer(out, static_cast<int64_t>(who.id));
  append_bulk(out, "mode");
  append_bulk(out, "standalone");
  append_bulk(out, "role");
  append_bulk(out, "master");
  append_bulk(out, "modules");
  append_array(out, 0);
  return false;
}

bool on_client(words command, client& who, std::string& out) {
  const std::string_view what = command[1];
  if (same_word(what, "id")) {
    append_integer(out, static_cast<int64_t>(who.id));
  } else if (same_word(what, "getname")) {
    append_bulk(out, who.name);
  } else if (same_word(what, "setname") && command.size() == 3) {
    if (set_name(command[2], who, out)) out += kv::ok_reply;
  } else if (same_word(what, "setinfo") || same_word(what, "no-evict") ||
             same_word(what, "no-touch")) {
    out += kv::ok_reply;
  } else {
    append_unknown_subcommand("client", what, out);
  }
  return false;
}

bool on_config(words command, client&, std::string& out) {
  if (!same_word(command[1], "get") || command.size() < 3) {
    append_unknown_subcommand("config", command[1], out);
    return false;
  }
  // What redis-benchmark prints about the server that it measures.
  struct setting {
    std::string_view name;
    std::string_view value;
  };
  static constexpr setting settings[] = {{"save", ""}, {"appendonly", "yes"}};
  std::string found;
  uint64_t count = 0;
  for (const setting& s : settings) {
    const auto names_it = [&](std::string_view word) { return same_word(word, s.name); };
    if (std::ranges::none_of(command.subspan(2), names_it)) continue;
    append_bulk(found, s.name);
    append_bulk(found, s.value);
    count += 2;
  }
  append_array(out, count);
  out += found;
  return false;
}

}  // namespace troupe::resp
