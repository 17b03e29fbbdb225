// Rules of the peer_link actor: real sockets on loopback, CAF's middleman, small timings.
#include "actors/peer_link.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include <gtest/gtest.h>

#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "caf/event_based_actor.hpp"
#include "caf/io/middleman.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

using clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(20);
constexpr core::timing quick{std::chrono::milliseconds(50), std::chrono::milliseconds(100),
                             std::chrono::milliseconds(20)};

// A server that answers at once: a proposal with its own commands.
server_actor::behavior_type echo(server_actor::pointer self) {
  return {
      [](const core::vote_request& m) {
        core::vote_reply r;
        r.candidacy = m.candidacy;
        return r;
      },
      [](const core::append_request& m) {
        core::append_reply r;
        r.round = m.round;
        return r;
      },
      [self](const propose& m) {
        if (m.notify_commit)
          caf::anon_send(caf::actor_cast<caf::actor>(self->current_sender()),
                         committed{m.id, {{}, log_index(m.commands.size())}});
        return outcome{m.id, raft_errc::none, {}, {}, m.commands};
      },
      [](const read& m) {
        return outcome{m.id, raft_errc::none, {}, {}, m.queries};
      },
      [](const initialize&) { return done{}; },
      [](const core::transfer_request&) { return core::transfer_reply{true}; },
      [](const admin_request&) {
        return admin_reply{raft_errc::none, {}, {}, "done"};
      },
      [](const hash_log& m) { return log_hash{m.index.value}; },
      [](const status_request&) { return status{}; },
      [](const fetch_request&) { return fetch_reply{}; },
      [](const configure&) { return done{}; },
      [](const outvoted&) {},
      [](const snapshot_lost&) {},
      [](const machine_state&) {},
      [](const led&) {},
      [](const adopt&) { return peer_handles{}; },
      [](const handing_over&) {},
      [](const core::snapshot_request&) { return core::snapshot_reply{}; },
      [](const backup_request&) { return backup_reply{}; },
      [](const snapshot_kept&) {},
      [](const tick&) {},
  };
}

// One process, as far as CAF can tell. Its end closes all of its connections.
class process {
 public:
  process() : server_(system_.spawn(echo)) {}
  ~process() { caf::anon_send_exit(server_, caf::exit_reason::user_shutdown); }

  caf::actor_system& system() { return system_; }
  const server_actor& server() const { return server_; }

  // The port; 0 when it could not listen.
  template <class Interface = peer_actor>
  uint16_t publish(uint16_t port = 0) {
    auto bound = system_.middleman().publish(Interface{server_}, port, "127.0.0.1", true);
    return bound ? *bound : 0;
  }

 private:
  struct config : caf::actor_system_config {
    config() { prepare_remote(*this, quick); }
  };
  config config_;
  caf::actor_system system_{config_};
  server_actor server_;
};

// A port that answers nobody: connections are accepted by the kernel, or refused.
class mute_port {
 public:
  explicit mute_port(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* address = reinterpret_cast<sockaddr*>(&at);
    ok_ = ::bind(socket_.get(), address, size) == 0 &&
          ::getsockname(socket_.get(), address, &size) == 0 &&
          (!listens || ::listen(socket_.get(), 64) == 0);
    port_ = ntohs(at.sin_port);
  }
  bool ok() const { return ok_; }
  uint16_t port() const { return port_; }

 private:
  socket_holder socket_;
  bool ok_ = false;
  uint16_t port_ = 0;
};

class peer_link_test : public testing::Test {
 protected:
  peer_actor link_to(uint16_t port, duration client_deadline = std::chrono::seconds(2)) {
    peer_link_options o;
    o.owner = here_.server();
    o.peer = node_id(2);
    o.address = "127.0.0.1:" + std::to_string(port);
    o.timing = quick;
    o.client_deadline = client_deadline;
    o.backoff_max = std::chrono::milliseconds(100);
    o.seed = 1;
    return peer_actor{here_.system().spawn(peer_link_behavior, std::move(o))};
  }

  // The reply, or the error with which it was refused.
  template <class Reply, class Request>
  std::variant<Reply, raft_errc> ask(const peer_actor& to, Request m) {
    auto promise = std::make_shared<std::promise<std::variant<Reply, raft_errc>>>();
    auto future = promise->get_future();
    here_.system().spawn([=](caf::event_based_actor* self) {
      self->request(to, patience, m)
          .then([=](const Reply& r) { promise->set_value(r); },
                [=](const caf::error& e) { promise->set_value(code_of(e, raft_errc::none)); });
    });
    return future.get();
  }

  outcome write(const peer_actor& to, const std::string& command = "x") {
    propose m{request_id(++requests_), {}};
    m.commands.add(command);
    return std::get<outcome>(ask<outcome>(to, m));
  }

  // Writes until one succeeds.
  bool connects(const peer_actor& to) {
    const auto end = clock::now() + patience;
    while (clock::now() < end)
      if (write(to).code == raft_errc::none) return true;
    return false;
  }

  process here_;
  uint64_t requests_ = 0;
};

TEST_F(peer_link_test, a_request_is_passed_on_and_its_reply_back) {
  process there;
  const auto link = link_to(there.publish());
  ASSERT_TRUE(connects(link));
  const auto o = write(link, "command");
  EXPECT_EQ(o.id, request_id(requests_));
  EXPECT_EQ(*o.results.begin(), "command");
  EXPECT_EQ(std::get<log_hash>(ask<log_hash>(link, hash_log{log_index(3)})).hash, 3u);
  core::append_request append;
  append.round = 9;
  EXPECT_EQ(std::get<core::append_reply>(ask<core::append_reply>(link, append)).round, 9u);
}

// While nodes are replaced by those of a newer version, one after the other.
TEST_F(peer_link_test, an_older_node_is_sent_nothing_that_it_does_not_know) {
  process there;
  const fetch_request missing{99, {log_index(1), {{{term(1), node_id(2)}, log_index(5)}}}};
  const auto link = link_to(there.publish<first_peer_actor>());
  ASSERT_TRUE(connects(link));
  const auto refused = ask<fetch_reply>(link, missing);
  ASSERT_TRUE(std::holds_alternative<raft_errc>(refused));
  EXPECT_EQ(std::get<raft_errc>(refused), raft_errc::unreachable);
  const auto unknown = ask<core::snapshot_reply>(link, core::snapshot_request{});
  EXPECT_TRUE(std::holds_alternative<raft_errc>(unknown));
  EXPECT_EQ(write(link).code, raft_errc::none);

  process new_one;
  const auto newer = link_to(new_one.publish());
  ASSERT_TRUE(connects(newer));
  EXPECT_TRUE(std::holds_alternative<fetch_reply>(ask<fetch_reply>(newer, missing)));
  EXPECT_TRUE(std::holds_alternative<core::snapshot_reply>(
      ask<core::snapshot_reply>(newer, core::snapshot_request{})));
}

TEST_F(peer_link_test, who_says_how_long_it_waits_is_answered_so_long) {
  process there;
  const auto link = link_to(there.publish(), /*client_deadline=*/duration(1));
  ASSERT_TRUE(connects(link));
  EXPECT_EQ(std::get<outcome>(ask<outcome>(link, read{request_id(5), {}})).code, raft_errc::none);
}

TEST_F(peer_link_test, the_notice_of_a_commit_is_passed_back_to_the_proposer) {
  process there;
  const auto link = link_to(there.publish());
  ASSERT_TRUE(connects(link));
  std::promise<committed> heard;
  auto future = heard.get_future();
  propose m{request_id(++requests_), {}};
  m.commands.add("x");
  m.notify_commit = true;
  here_.system().spawn([&, m](caf::event_based_actor* self) -> caf::behavior {
    self->request(link, patience, m).then([](const outcome&) {}, [](const caf::error&) {});
    return {[&heard, self](const committed& c) {
      heard.set_value(c);
      self->quit();
    }};
  });
  ASSERT_EQ(future.wait_for(patience), std::future_status::ready);
  const auto c = future.get();
  EXPECT_EQ(c.id, m.id);
  EXPECT_EQ(c.at.index, log_index(1));
}

TEST_F(peer_link_test, peers_that_say_nothing_or_refuse_hold_up_no_other) {
  const mute_port silent(true), refusing(false);
  ASSERT_TRUE(silent.ok() && refusing.ok());
  std::vector<peer_actor> dead;
  for (int i = 0; i < 4; ++i) {
    dead.push_back(link_to(silent.port()));
    dead.push_back(link_to(refusing.port()));
  }
  process there;
  const auto link = link_to(there.publish());
  ASSERT_TRUE(connects(link));
  // Longer than a handshake's deadline and several times the back-off.
  const auto end = clock::now() + 3 * quick.rpc_timeout();
  int answered = 0;
  for (; clock::now() < end; ++answered) ASSERT_EQ(write(link).code, raft_errc::none);
  EXPECT_GT(answered, 10);
  for (const auto& d : dead) EXPECT_EQ(write(d).code, raft_errc::not_leader);
}

TEST_F(peer_link_test, a_request_while_not_connected_is_answered_at_once) {
  const mute_port silent(true), refusing(false);
  ASSERT_TRUE(silent.ok() && refusing.ok());
  const auto before = clock::now();
  for (auto port : {silent.port(), refusing.port()}) {
    const auto link = link_to(port);
    EXPECT_EQ(write(link).code, raft_errc::not_leader);
    const auto r = std::get<outcome>(ask<outcome>(link, read{request_id(5), {}}));
    EXPECT_EQ(r.code, raft_errc::not_leader);
    EXPECT_EQ(r.id, request_id(5));
    EXPECT_EQ(std::get<raft_errc>(ask<core::append_reply>(link, core::append_request{})),
              raft_errc::unreachable);
    EXPECT_EQ(std::get<raft_errc>(ask<core::vote_reply>(link, core::vote_request{})),
              raft_errc::unreachable);
    EXPECT_EQ(std::get<raft_errc>(ask<status>(link, status_request{})), raft_errc::unreachable);
  }
  EXPECT_LT(clock::now() - before, std::chrono::seconds(2));
}

TEST_F(peer_link_test, requests_work_again_when_the_peer_comes_back) {
  auto there = std::make_unique<process>();
  const uint16_t port = there->publish();
  const auto link = link_to(port);
  ASSERT_TRUE(connects(link));
  for (int i = 0; i < 3; ++i) {
    there = nullptr;
    // Nothing hangs: each is refused, or unknown where it was sent.
    for (int n = 0; n < 20; ++n) EXPECT_NE(write(link).code, raft_errc::none);
    there = std::make_unique<process>();
    ASSERT_EQ(there->publish(port), port);
    ASSERT_TRUE(connects(link));
  }
}

TEST_F(peer_link_test, a_link_ends_with_its_owner) {
  const mute_port refusing(false);
  const auto link = link_to(refusing.port());
  std::promise<void> ended;
  // An actor that nobody refers to would end.
  const auto watcher = here_.system().spawn([&](caf::event_based_actor* self) {
    self->set_down_handler([&ended, self](caf::down_msg&) { ended.set_value(), self->quit(); });
    self->monitor(link);
    self->become([](const tick&) {});
  });
  caf::anon_send_exit(here_.server(), caf::exit_reason::user_shutdown);
  ASSERT_EQ(ended.get_future().wait_for(patience), std::future_status::ready);
}

TEST(dialer_test, says_that_there_are_no_descriptors_left) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto socket = dial({"127.0.0.1", 1}, std::chrono::seconds(1));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_NE(socket.status().message().find("Too many open files"), absl::string_view::npos)
      << socket.status();
}

}  // namespace
}  // namespace troupe
