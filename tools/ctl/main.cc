// `bazel run //tools:ctl -- --node=host:port COMMAND`: asks any member of a running cluster.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "proto/trace.h"
#include "tools/ctl/remote_node.h"
#include "tools/ctl/report.h"
#include "tools/flags/flags.h"
#include "tools/kv/command.h"
#include "tools/node/status_json.h"

ABSL_FLAG(std::string, node, "127.0.0.1:7101", "host:port of any member: its raft address");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(5),
          "how long to wait for the connection, and then for the answer");
ABSL_FLAG(bool, json, false, "print JSON");
ABSL_FLAG(std::string, read, "linearizable",
          "how fresh `get` is: linearizable, lease, follower or stale");

namespace troupe::tools {
namespace {

enum exit_code { done = 0, refused = 1, usage = 2, unknown = 3 };

using words = std::span<const std::string>;

exit_code say(exit_code code, const std::string& why) {
  std::fprintf(stderr, "ctl: %s\n", why.c_str());
  return code;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// -- one function for each command ----------------------------------------------------------------

struct session {
  remote_node node;
  duration patience;
  bool json;
  read_mode mode;  // of get
};

template <class Print>
exit_code with_status(session& s, Print out) {
  const auto got = s.node.ask<status>(status_request{}, s.patience);
  if (!got) return say(refused, "the node did not tell its status in time");
  return out(*got);
}

exit_code on_status(session& s, words) {
  return with_status(s, [&](const status& got) {
    print(s.json ? status_json(got) + "\n" : status_text(got));
    return done;
  });
}

exit_code on_members(session& s, words) {
  return with_status(s, [&](const status& got) {
    print(s.json ? members_json(got) + "\n" : members_text(got));
    return done;
  });
}

exit_code on_leader(session& s, words) {
  return with_status(s, [&](const status& got) {
    if (!got.leader) return say(refused, "the node knows of no leader");
    print(s.json ? absl::StrCat("{\"leader_id\":", got.leader.value, "}\n")
                 : absl::StrCat(got.leader.value, "\n"));
    return done;
  });
}

// Why a write or read was not done; whether it was, where that is not known.
exit_code explain(raft_errc code) {
  switch (code) {
    case raft_errc::dropped:
      return say(refused, "another leader came in between; nothing happened");
    case raft_errc::outcome_unknown:
      return say(unknown, "it may or may not take effect: the leader was lost meanwhile");
    case raft_errc::busy:
      return say(refused, "the cluster is busy; try again");
    case raft_errc::too_large:
      return say(refused, "that is too large");
    case raft_errc::storage_failed:
      return say(refused, "the leader's disk failed");
    default:
      return say(refused, "the cluster has no leader right now");
  }
}

exit_code show(const session& s, const outcome& o) {
  if (o.code != raft_errc::none) return explain(o.code);
  if (o.results.size() != 1) return say(unknown, "the answer cannot be read");
  const auto r = parse_result(*o.results.begin());
  if (r.what == result::kind::error) return say(refused, r.text);
  print((s.json ? result_json(r) : result_text(r)) + "\n");
  return done;
}

frames encoded(kv::op what, words args) {
  const std::vector<std::string_view> views(args.begin(), args.end());
  std::string command;
  kv::encode(what, 0, views, command);
  frames one;
  one.add(command);
  return one;
}

exit_code write(session& s, kv::op what, words args) {
  const auto o = s.node.ask<outcome>(propose{request_id(1), encoded(what, args)}, s.patience);
  if (!o) return say(unknown, "no answer in time; it may or may not take effect");
  return show(s, *o);
}

std::optional<read_mode> parse_mode(std::string_view word) {
  if (word == "linearizable") return read_mode::linearizable;
  if (word == "lease") return read_mode::lease;
  if (word == "follower") return read_mode::follower;
  if (word == "stale") return read_mode::stale;
  return std::nullopt;
}

exit_code on_get(session& s, words args) {
  const auto o =
      s.node.ask<outcome>(read{request_id(1), encoded(kv::op::get, args), s.mode}, s.patience);
  if (!o) return say(refused, "no answer in time");
  const auto code = show(s, *o);
  return code == unknown ? refused : code;
}

exit_code on_put(session& s, words args) { return write(s, kv::op::set, args); }
exit_code on_del(session& s, words args) { return write(s, kv::op::del, args); }

// As in the Redis gateway, NIL stands for a key that is absent.
exit_code on_cas(session& s, words args) {
  if (args[1] != "NIL") return write(s, kv::op::cas, args);
  const std::string key_and_new[] = {args[0], args[2]};
  return write(s, kv::op::cas_absent, key_and_new);
}

// -- the command line -----------------------------------------------------------------------------

struct command {
  const char* name;
  const char* arguments;
  size_t count;  // of the arguments
  exit_code (*run)(session&, words);
};

constexpr command commands[] = {
    {"status", "", 0, on_status},
    {"members", "", 0, on_members},
    {"leader", "", 0, on_leader},
    {"get", " KEY", 1, on_get},
    {"put", " KEY VALUE", 2, on_put},
    {"del", " KEY", 1, on_del},
    {"cas", " KEY EXPECTED|NIL NEW", 3, on_cas},
};

std::string usage_text() {
  std::string text =
      "ctl --node=host:port [--json] COMMAND\n"
      "Asks any member of a running Troupe cluster, at its raft address. Commands:\n";
  for (const auto& c : commands) absl::StrAppend(&text, "  ", c.name, c.arguments, "\n");
  return text + "Exit code: 0 done, 1 refused and nothing changed, 2 wrong use, 3 outcome unknown.";
}

struct system_config : caf::actor_system_config {
  system_config() {
    prepare_remote(*this, core::timing{});
    set("scheduler.max-threads", size_t{1});
  }
};

exit_code run(int argc, char** argv) {
  const auto line = parse_flags({"ctl", usage_text(), "tools/ctl/"}, argc, argv);
  if (line.empty()) return say(usage, "a command is missing; --help lists them");
  const auto* c =
      std::ranges::find_if(commands, [&](auto& known) { return line[0] == known.name; });
  if (c == std::end(commands))
    return say(usage, absl::StrCat("'", line[0], "' is not a command; --help lists them"));
  if (line.size() != c->count + 1) return say(usage, absl::StrCat("use: ", c->name, c->arguments));
  const duration patience = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_timeout));
  if (patience < std::chrono::milliseconds(1) || patience > std::chrono::hours(1))
    return say(usage, "--timeout: must be from 1ms to 1h");
  const auto mode = parse_mode(absl::GetFlag(FLAGS_read));
  if (!mode) return say(usage, "--read: must be linearizable, lease, follower or stale");
  trace::verbosity = 0;  // its errors are said by ctl itself
  system_config config;
  caf::actor_system system{config};
  auto node = remote_node::connect(system, absl::GetFlag(FLAGS_node), patience);
  if (absl::IsInvalidArgument(node.status()))
    return say(usage, absl::StrCat("--node: ", node.status().message()));
  if (!node.ok()) return say(refused, std::string(node.status().message()));
  session s{std::move(*node), patience, absl::GetFlag(FLAGS_json), *mode};
  return c->run(s, words(line).subspan(1));
}

}  // namespace
}  // namespace troupe::tools

int main(int argc, char** argv) { return troupe::tools::run(argc, argv); }
