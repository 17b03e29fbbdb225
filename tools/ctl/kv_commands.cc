// Commands that read and write the data.
#include "tools/ctl/admin.h"
#include "tools/ctl/command.h"
#include "tools/ctl/report.h"
#include "tools/kv/command.h"

namespace troupe::tools {
namespace {

// Why a write or read was not done; whether it was, where that is not known.
exit_code explain(session& s, raft_errc code) {
  switch (code) {
    case raft_errc::dropped:
      return say(refused, "another leader came in between; nothing happened");
    case raft_errc::outcome_unknown:
      return say(unknown, "it may or may not take effect: the leader was lost meanwhile");
    case raft_errc::quorum_lost:
      return say(refused, no_quorum);
    case raft_errc::busy:
      return say(refused, "the cluster is busy; try again");
    case raft_errc::too_large:
      return say(refused, "that is too large");
    case raft_errc::storage_failed:
      return say(refused, "the leader's disk failed");
    case raft_errc::read_only:
      return say(refused, "the leader's disk is full; nothing happened, and reads are answered");
    default:
      return refuse_without_leader(s);
  }
}

exit_code show(session& s, const outcome& o) {
  if (o.code != raft_errc::none) return explain(s, o.code);
  if (o.results.size() != 1) return say(unknown, "the answer cannot be read");
  const auto r = parse_result(*o.results.begin());
  if (r.what == result::kind::error) return say(refused, r.text);
  print((s.chosen.json ? result_json(r) : result_text(r)) + "\n");
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

action write(kv::op what, words args) {
  return [command = encoded(what, args)](session& s) {
    const auto o = ask_until_led(s, [&] {
      return s.node.ask<outcome>(propose{request_id(1), command}, s.chosen.patience);
    });
    return o ? show(s, *o) : say(unknown, "no answer in time; it may or may not take effect");
  };
}

absl::StatusOr<action> parse_get(words args) {
  return [query = encoded(kv::op::get, args)](session& s) {
    const auto o = ask_until_led(s, [&] {
      return s.node.ask<outcome>(read{request_id(1), query, s.chosen.mode}, s.chosen.patience);
    });
    const auto code = o ? show(s, *o) : say(refused, "no answer in time");
    return code == unknown ? refused : code;
  };
}

absl::StatusOr<action> parse_put(words args) { return write(kv::op::set, args); }
absl::StatusOr<action> parse_del(words args) { return write(kv::op::del, args); }

// As in the Redis gateway, NIL stands for a key that is absent.
absl::StatusOr<action> parse_cas(words args) {
  if (args[1] != "NIL") return write(kv::op::cas, args);
  const std::string key_and_new[] = {args[0], args[2]};
  return write(kv::op::cas_absent, key_and_new);
}

constexpr command commands[] = {
    {"get", " KEY", 1, 1, parse_get},
    {"put", " KEY VALUE", 2, 2, parse_put},
    {"del", " KEY", 1, 1, parse_del},
    {"cas", " KEY EXPECTED|NIL NEW", 3, 3, parse_cas},
};

}  // namespace

std::span<const command> kv_commands() { return commands; }

}  // namespace troupe::tools
