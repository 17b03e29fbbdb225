// `bazel run //tools:ctl -- --node=host:port COMMAND`: asks any member of a running cluster.
#include <algorithm>
#include <optional>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "caf/actor_system_config.hpp"
#include "proto/trace.h"
#include "tools/ctl/command.h"
#include "tools/ctl/member_words.h"
#include "tools/flags/flags.h"

ABSL_FLAG(std::string, node, "127.0.0.1:7101", "host:port of any member: its raft address");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(5),
          "how long to wait for the connection, and then for the answer; a change of the members "
          "waits so long for who shall vote to catch up");
ABSL_FLAG(bool, json, false, "print JSON");
ABSL_FLAG(std::string, read, "linearizable",
          "how fresh `get` is: linearizable, lease, follower or stale");
ABSL_FLAG(bool, wait, false, "`add-learner` waits until the learner is caught up");
ABSL_FLAG(bool, retain, false, "voters that are removed become learners");
ABSL_FLAG(std::string, if_membership, "",
          "change the members only while this membership is in force: its log id, as `members` "
          "prints it");
ABSL_FLAG(bool, yes, false, "`recover` does not ask");

namespace troupe::tools {
namespace {

std::vector<command> all_commands() {
  std::vector<command> all;
  for (const auto group : {status_commands(), member_commands(), leader_commands(),
                           snapshot_commands(), kv_commands()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::string usage_text() {
  std::string text =
      "ctl --node=host:port [--json] COMMAND\n"
      "Asks any member of a running Troupe cluster, at its raft address. Commands:\n";
  for (const auto& c : all_commands()) absl::StrAppend(&text, "  ", c.name, c.arguments, "\n");
  absl::StrAppend(&text, "Of the files of a node that is not running:\n");
  for (const auto& c : offline_commands()) absl::StrAppend(&text, "  ", c.name, c.arguments, "\n");
  return text +
         "Exit code: 0 done, 1 refused and nothing changed, 2 wrong use, 3 outcome unknown; of "
         "verify and log: 0 clean, 1 mended, 2 damaged, 3 not seen.";
}

struct system_config : caf::actor_system_config {
  system_config() {
    prepare_remote(*this, core::timing{});
    set("scheduler.max-threads", size_t{1});
  }
};

std::optional<read_mode> parse_mode(const std::string& word) {
  if (word == "linearizable") return read_mode::linearizable;
  if (word == "lease") return read_mode::lease;
  if (word == "follower") return read_mode::follower;
  if (word == "stale") return read_mode::stale;
  return std::nullopt;
}

absl::StatusOr<choices> read_choices() {
  choices c;
  c.patience = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_timeout));
  if (c.patience < std::chrono::milliseconds(1) || c.patience > std::chrono::hours(1))
    return absl::InvalidArgumentError("--timeout: must be from 1ms to 1h");
  const auto mode = parse_mode(absl::GetFlag(FLAGS_read));
  if (!mode)
    return absl::InvalidArgumentError("--read: must be linearizable, lease, follower or stale");
  c.mode = *mode;
  c.json = absl::GetFlag(FLAGS_json);
  c.wait = absl::GetFlag(FLAGS_wait);
  c.retain = absl::GetFlag(FLAGS_retain);
  c.yes = absl::GetFlag(FLAGS_yes);
  if (const auto text = absl::GetFlag(FLAGS_if_membership); !text.empty()) {
    auto id = parse_log_id(text);
    if (!id.ok())
      return absl::InvalidArgumentError(absl::StrCat("--if_membership: ", id.status().message()));
    c.if_membership = *id;
  }
  return c;
}

absl::StatusOr<action> read_command(words line) {
  const auto wrong = [](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat(why...));
  };
  if (line.empty()) return wrong("a command is missing; --help lists them");
  const auto known = all_commands();
  const auto c = std::ranges::find(known, line[0], &command::name);
  if (c == known.end()) {
    std::vector<std::string> names;
    for (const auto& k : known) names.push_back(k.name);
    for (const auto& k : offline_commands()) names.push_back(k.name);
    return wrong("'", line[0], "' is not a command", did_you_mean(line[0], names),
                 "; --help lists them");
  }
  const auto arguments = line.subspan(1);
  if (arguments.size() < c->least || arguments.size() > c->most)
    return wrong("use: ", c->name, c->arguments);
  return c->parse(arguments);
}

exit_code say(const absl::Status& why) {
  return say(absl::IsInvalidArgument(why) ? usage : refused, why.message());
}

exit_code run(int argc, char** argv) {
  const auto line = parse_flags({"ctl", usage_text(), "tools/ctl/"}, argc, argv);
  const auto chosen = read_choices();
  if (!chosen.ok()) return say(chosen.status());
  const auto offline = offline_commands();
  if (const auto c =
          std::ranges::find(offline, line.empty() ? "" : line[0], &offline_command::name);
      c != offline.end()) {
    if (line.size() != c->count + 1)
      return say(usage, absl::StrCat("use: ", c->name, c->arguments));
    trace::verbosity = 0;
    return c->run(words(line).subspan(1), *chosen);
  }
  const auto act = read_command(line);
  if (!act.ok()) return say(act.status());
  trace::verbosity = 0;  // its errors are said by ctl itself
  system_config config;
  caf::actor_system system{config};
  auto node = remote_node::connect(system, absl::GetFlag(FLAGS_node), chosen->patience);
  if (absl::IsInvalidArgument(node.status()))
    return say(usage, absl::StrCat("--node: ", node.status().message()));
  if (!node.ok()) return say(node.status());
  session s{&system, std::move(*node), *chosen};
  return (*act)(s);
}

}  // namespace
}  // namespace troupe::tools

int main(int argc, char** argv) { return troupe::tools::run(argc, argv); }
