#include "tools/node/ports.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace troupe::tools {
namespace {

// The listening socket, or why there is none.
absl::StatusOr<std::unique_ptr<socket_holder>> listen_on(const char* flag, const endpoint& at) {
  const auto fail = [&](const std::string& why) {
    return absl::UnavailableError(
        absl::StrCat("--", flag, ": cannot listen on ", at.host, ":", at.port, ": ", why));
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int e = ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found);
      e != 0)
    return fail(::gai_strerror(e));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  auto socket =
      std::make_unique<socket_holder>(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket->get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(socket->get(), 1) != 0)
    return fail(std::strerror(errno));
  return socket;
}

}  // namespace

absl::Status check_ports(const std::vector<node_flags>& nodes) {
  std::vector<std::unique_ptr<socket_holder>> held;
  const auto hold = [&](const char* flag, const endpoint& at) {
    auto socket = listen_on(flag, at);
    if (socket.ok()) held.push_back(std::move(*socket));
    return socket.status();
  };
  for (const auto& n : nodes) {
    const bool same = n.listen_address == n.raft_address;
    if (auto s = hold(same ? "raft_address" : "listen_address", n.listen_address); !s.ok())
      return s;
    if (auto s = hold("client_address", n.client_address); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace troupe::tools
