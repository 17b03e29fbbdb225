#include "actors/dialer.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

// Waits until the connection under way on `fd` stands; the reason when it does not.
std::optional<std::string> await_connected(int fd, duration patience) {
  pollfd p{fd, POLLOUT, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  const int ready = ::poll(&p, 1, static_cast<int>(ms));
  if (ready == 0) return "no answer in time";
  int error = errno;
  socklen_t size = sizeof error;
  if (ready > 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return std::strerror(error);
  return std::nullopt;
}

// Nothing when it fails; `why` then says so.
std::unique_ptr<socket_holder> connect_to(const addrinfo& to, duration patience, std::string& why) {
  auto socket = std::make_unique<socket_holder>(
      ::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket->get() < 0 ||
      (::connect(socket->get(), to.ai_addr, to.ai_addrlen) != 0 && errno != EINPROGRESS)) {
    why = std::strerror(errno);
    return nullptr;
  }
  const int on = 1;
  ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (const auto failed = await_connected(socket->get(), patience)) {
    why = *failed;
    return nullptr;
  }
  return socket;
}

}  // namespace

std::optional<endpoint> parse_endpoint(const std::string& text) {
  if (text.size() > most_endpoint_bytes || text.find_first_of(" \t\r\n") != std::string::npos)
    return std::nullopt;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) return std::nullopt;
  return endpoint{std::move(host), static_cast<uint16_t>(port)};
}

bool is_wildcard(const endpoint& e) { return e.host.find_first_not_of("0.:") == std::string::npos; }

socket_holder::~socket_holder() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<std::unique_ptr<socket_holder>> dial(const endpoint& to, duration patience) {
  const auto fail = [&](const std::string& why) {
    return absl::UnavailableError(absl::StrCat(to.host, ":", to.port, ": ", why));
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int e = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
      e != 0)
    return fail(::gai_strerror(e));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  std::string why;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next)
    if (auto socket = connect_to(*a, patience, why)) return socket;
  return fail(why);
}

dialer_actor::behavior_type dialer(dialer_actor::pointer self) {
  return {[self](const dial_request& m) -> dialed {
    self->quit();
    auto socket = dial(m.to, m.patience);
    if (!socket.ok()) return {nullptr, std::string(socket.status().message())};
    return {std::move(*socket), {}};
  }};
}

}  // namespace troupe
