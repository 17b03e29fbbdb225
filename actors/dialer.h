// Opens one TCP connection without blocking anybody else: CAF's own connect is serialised in one
// actor, where a peer that does not answer holds up all others.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "actors/messages.h"
#include "caf/typed_actor.hpp"

namespace troupe {

// A host name of 255 bytes, as long as DNS has them, and a port.
constexpr size_t most_endpoint_bytes = 255 + 6;

// Splits "host:port" or "[v6]:port". Nothing for anything else, nor for spaces.
struct endpoint {
  std::string host;
  uint16_t port = 0;

  bool operator==(const endpoint&) const = default;
};
std::optional<endpoint> parse_endpoint(const std::string& text);
// 0.0.0.0 and its like: to listen on all addresses of a host. Whoever dials it reaches itself.
bool is_wildcard(const endpoint& e);

// An open file descriptor that closes itself unless it is taken.
class socket_holder {
 public:
  explicit socket_holder(int fd) : fd_(fd) {}
  ~socket_holder();
  socket_holder(const socket_holder&) = delete;
  socket_holder& operator=(const socket_holder&) = delete;
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Tries every address of the host in turn; blocks for at most `patience` at each, and for the time
// that the name takes to resolve.
absl::StatusOr<std::unique_ptr<socket_holder>> dial(const endpoint& to, duration patience);

struct dial_request {
  endpoint to;
  duration patience;
};
struct dialed {
  std::shared_ptr<socket_holder> socket;  // null: could not connect
  std::string why;
};

// Answers one request and ends. Spawn it detached.
using dialer_actor = caf::typed_actor<caf::replies_to<dial_request>::with<dialed>>;
dialer_actor::behavior_type dialer(dialer_actor::pointer self);

}  // namespace troupe

TROUPE_LOCAL_MESSAGE(dial_request)
TROUPE_LOCAL_MESSAGE(dialed)
