#include "tools/ctl/recover_command.h"

#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "actors/log_join.h"
#include "proto/text_of.h"
#include "storage/on_disk.h"
#include "storage/posix_env.h"
#include "storage/verify.h"
#include "tools/ctl/recovery.h"

namespace troupe::tools {
namespace {

// The directory itself, not a link to it: its name is what changes.
std::string resolved(const std::string& path) {
  std::error_code failed;
  const auto found = std::filesystem::canonical(path, failed);
  return failed ? path : found.string();
}

// A stdin that is closed is a no.
bool confirmed(node_id node) {
  std::cerr << "type " << node.value << " to go on: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  return absl::StripAsciiWhitespace(typed) == absl::StrCat(node.value);
}

exit_code report(const remains& r, const std::string& dir, bool json) {
  if (json)
    print(nlohmann::json{{"node", r.node.value},
                         {"last", text_of(r.last)},
                         {"commands", r.commands},
                         {"members", text_of(r.members)},
                         {"data_dir", dir},
                         {"put_aside", storage::put_aside(dir)}}
              .dump() +
          "\n");
  else
    print(absl::StrCat("node ", r.node.value, " is a cluster of its own: start it in ", dir,
                       ", with the --machine that it had, then others with --join\n"));
  return done;
}

exit_code fail(storage::env& files, const std::string& dir, const absl::Status& why) {
  const auto begun = storage::refounding_interrupted(files, dir);
  if (!begun.ok() || *begun)
    return say(unknown,
               absl::StrCat(why.message(), "; the new directory is there, but `ctl recover ", dir,
                            "` must complete it"));
  if (absl::IsUnimplemented(why))
    return say(refused,
               absl::StrCat(why.message(), ". Rename them yourself: ", dir, " to ",
                            storage::put_aside(dir), ", then ", dir, ".recovering to ", dir));
  return say(refused, why.message());
}

// A node cuts a damaged segment by itself, and nothing else.
absl::string_view way_forward(const absl::Status& damage) {
  return absl::StrContains(damage.message(), ".segment at offset ")
             ? ". Start its node once: it sets aside what is damaged, which another node may have; "
               "where none does, recover it then"
             : ". Nothing can be recovered from this directory as it is; the one of another node, "
               "or a copy of this one, may be whole, and a backup begins a new cluster with `ctl "
               "restore`";
}

// Of a recovery that was confirmed and then interrupted.
exit_code complete(storage::env& files, const std::string& dir, bool json) {
  if (const auto s = storage::finish_refounding(files, dir); !s.ok()) return fail(files, dir, s);
  if (json)
    print(nlohmann::json{{"data_dir", dir}, {"completed", true}}.dump() + "\n");
  else
    print(absl::StrCat("an earlier recovery of ", dir, " was interrupted, and is complete now\n"));
  return done;
}

// The snapshot that has all that the log goes on from, and joins it.
absl::StatusOr<std::optional<storage::snapshot_meta>> join_snapshot(storage::env& files,
                                                                    const std::string& dir,
                                                                    storage::log_storage& log) {
  const auto store = storage::snapshot_store::open(files, storage::snapshots_of(dir));
  if (!store.ok()) return store.status();
  const auto beginning = find_beginning(log, store->get());
  if (!beginning.ok()) return beginning.status();
  if (!beginning->lost.empty()) return absl::DataLossError(beginning->lost);
  if (const auto joined = join(log, beginning->newest); !joined.ok()) return joined;
  return beginning->newest;
}

exit_code refuse(const absl::Status& why) {
  return say(refused, absl::StrCat(why.message(), absl::IsDataLoss(why) ? way_forward(why) : ""));
}

}  // namespace

exit_code recover(words args, const choices& chosen) {
  const auto& path = args[0];
  const auto dir = resolved(path);
  const auto files = storage::make_posix_env(storage::sync_mode::always);
  // Locked from here on: no node starts meanwhile.
  const auto opened = storage::open_for_verification(*files, dir);
  if (!opened.ok()) return refuse(opened.status());
  const auto interrupted = storage::refounding_interrupted(*files, dir);
  if (!interrupted.ok()) return say(refused, interrupted.status().message());
  if (*interrupted) return complete(*files, dir, chosen.json);
  const auto snapshot = join_snapshot(*files, dir, **opened);
  if (!snapshot.ok()) return refuse(snapshot.status());
  const auto found = read_remains(**opened, (*opened)->owner().node, *snapshot);
  if (!found.ok()) return refuse(found.status());
  std::cerr << explanation(*found, dir);
  if (!chosen.yes && !confirmed(found->node)) return say(refused, "nothing was changed");
  auto how = new_cluster(*found, storage::draw_incarnation());
  how.record = record_of(*found, dir, absl::Now());
  if (const auto s = storage::refound(*files, **opened, dir, how); !s.ok())
    return fail(*files, dir, s);
  return report(*found, dir, chosen.json);
}

}  // namespace troupe::tools
