// Commands about snapshots, and what they let go from the log.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tools/ctl/admin.h"
#include "tools/ctl/backup.h"
#include "tools/ctl/command.h"
#include "tools/ctl/member_words.h"

namespace troupe::tools {
namespace {

// A bar on stderr, where people look at it.
class bar {
 public:
  explicit bar(std::string what) : what_(std::move(what)) {}
  ~bar() {
    if (shown_) std::cerr << std::endl;
  }

  void show(const snapshot_progress& p) {
    if (!p || ::isatty(STDERR_FILENO) == 0) return;
    shown_ = true;
    const auto mib = p.bytes >> 20;
    std::cerr << '\r' << what_ << ' ';
    if (p.size == 0) {
      std::cerr << mib << " MiB" << std::flush;
      return;
    }
    const auto percent = std::min<uint64_t>(100, 100 * p.bytes / p.size);
    std::cerr << std::string(percent / 2, '#') << std::string(50 - percent / 2, '.') << ' '
              << percent << " % of " << (p.size >> 20) << " MiB" << std::flush;
  }

 private:
  const std::string what_;
  bool shown_ = false;
};

exit_code explain_here(session& s, const std::optional<admin_reply>& reply) {
  if (!reply) return say(unknown, "no answer in time; `status` shows what came of it");
  if (reply->code == raft_errc::outcome_unknown)
    return say(unknown, absl::StrCat(reply->why, "; `status` shows what came of it"));
  return explain(s, reply);
}

exit_code conclude(session& s, node_id who, log_index index, absl::string_view key,
                   absl::string_view text) {
  print(s.chosen.json
            ? absl::StrCat("{\"node_id\":", who.value, ",\"", key, "\":", index.value, "}\n")
            : absl::StrCat("node ", who.value, text, index.value, "\n"));
  return done;
}

// Has one made, however long it takes. Where it ends, or what to exit with.
std::variant<log_index, exit_code> make(session& s, node_id who) {
  const auto before = status_of_member(s, who);
  const auto reply = ask_cluster(s, snapshot_now{who});
  if (reply && reply->code == raft_errc::none) return reply->at.index;
  if (!reply || reply->code != raft_errc::outcome_unknown) return explain_here(s, reply);
  auto now = status_of_member(s, who);
  for (bar shown("makes a snapshot"); now && now->making; now = status_of_member(s, who)) {
    shown.show(now->making);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (before && now && now->snapshot > before->snapshot) return now->snapshot;
  return explain_here(s, reply);
}

absl::StatusOr<action> parse_snapshot(words args) {
  const auto who = parse_id(args[0]);
  if (!who.ok()) return who.status();
  return [who = *who](session& s) {
    const auto end = make(s, who);
    if (const auto* failed = std::get_if<exit_code>(&end)) return *failed;
    return conclude(s, who, std::get<log_index>(end), "snapshot_index",
                    " has a snapshot up to entry ");
  };
}

absl::StatusOr<action> parse_purge(words args) {
  const auto who = parse_id(args[0]);
  if (!who.ok()) return who.status();
  uint64_t index = 0;
  if (!absl::SimpleAtoi(args[1], &index) || index == 0)
    return absl::InvalidArgumentError(absl::StrCat("'", args[1], "' is not the index of an entry"));
  return [who = *who, index](session& s) {
    const auto reply = ask_cluster(s, purge_now{who, log_index(index)});
    if (!reply || reply->code != raft_errc::none) return explain_here(s, reply);
    return conclude(s, who, reply->at.index, "purged_index", "'s log begins behind entry ");
  };
}

// Until the node has applied all of that. What to exit with where it does not.
std::optional<exit_code> await_applied(session& s, log_index wanted) {
  const auto has_all = [&](const auto& now) { return now && now->applied >= wanted; };
  const auto last = ask_until(
      s, [&] { return status_of(s); }, has_all);
  if (has_all(last)) return std::nullopt;
  return say(refused, absl::StrCat("the node has applied ", last ? last->applied.value : 0, " of ",
                                   wanted.value, " entries; ask another one, or later"));
}

// What is committed when it is asked for is in the backup.
exit_code back_up(session& s, const std::string& file) {
  if (const auto checked = check_backup_file(file); !checked.ok())
    return say(absl::IsInvalidArgument(checked) ? usage : refused, checked.message());
  const auto known = status_of(s);
  const auto leader = status_of_leader(s);
  if (!known || !leader || !leader->leader || leader->id != leader->leader)
    return say(refused, "the leader cannot be asked how far it is; try again, or another node");
  if (const auto behind = await_applied(s, leader->committed)) return *behind;
  auto end = make(s, known->id);
  // One that was under way already may lack some of it; the next one does not.
  if (const auto* upto = std::get_if<log_index>(&end); upto && *upto < leader->committed)
    end = make(s, known->id);
  if (const auto* failed = std::get_if<exit_code>(&end)) return *failed;
  bar shown("copies");
  const auto copied = copy_snapshot(s, file, [&](uint64_t bytes, uint64_t size) {
    shown.show({bytes, size});
  });
  if (!copied.ok()) return say(refused, copied.status().message());
  print(s.chosen.json ? absl::StrCat("{\"snapshot_index\":", copied->last.index.value,
                                     ",\"bytes\":", copied->size, "}\n")
                      : absl::StrCat(file, " has all up to entry ", copied->last.index.value, ", ",
                                     copied->size, " bytes\n"));
  return done;
}

absl::StatusOr<action> parse_backup(words args) {
  return [file = args[0]](session& s) { return back_up(s, file); };
}

constexpr command commands[] = {
    {"backup", " FILE", 1, 1, parse_backup},
    {"snapshot", " ID", 1, 1, parse_snapshot},
    {"purge", " ID INDEX", 2, 2, parse_purge},
};

}  // namespace

std::span<const command> snapshot_commands() { return commands; }

}  // namespace troupe::tools
