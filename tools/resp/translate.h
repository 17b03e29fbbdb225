// What a Redis command means here: a write or a query of the key-value machine, a question to the
// node, or a reply that needs nobody else.
//
// One table holds all commands (translate.cc). Adding one is adding a row.
// Thread safe as long as each thread has its own `client` and `request`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::resp {

enum class request_kind : uint8_t {
  write,    // `bytes`: a command of kv/command.h
  read,     // `bytes`: a query of kv/command.h, to be answered in `mode`
  admin,    // `admin` and `argument`
  local,    // `bytes`: the RESP2 reply, errors included
  hang_up,  // the same, and the connection is closed behind it
};

// How fresh a read is; actors/messages.h has what each one means.
enum class read_mode : uint8_t { linearizable, lease, follower, stale };

enum class admin_request : uint8_t {
  status,    // one JSON object
  log_hash,  // `argument`: a log index
  members,   // one JSON object
};

struct request {
  request_kind kind = request_kind::local;
  read_mode mode = read_mode::linearizable;
  admin_request admin = admin_request::status;
  uint64_t argument = 0;
  size_t answer = 0;  // of a write: so long may the answer be, where it is not short in any case
  std::string bytes;
};

// What CLIENT commands set and ask.
struct client {
  uint64_t id = 0;
  std::string name;
};

// The command's words, the name first; at least one.
using words = std::span<const std::string_view>;

// Replaces `out`. Never fails: an error is a local reply.
void translate(words command, client& who, request& out);

}  // namespace troupe::resp
