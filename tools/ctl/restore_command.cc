#include "tools/ctl/restore_command.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "actors/dialer.h"
#include "proto/text_of.h"
#include "storage/on_disk.h"
#include "storage/posix_env.h"
#include "storage/snapshot_file.h"
#include "tools/ctl/data_dirs.h"
#include "tools/ctl/recovery.h"

namespace troupe::tools {
namespace {

struct founder {
  node_id id;
  std::string address;
};

absl::StatusOr<founder> parse_founder(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  uint64_t id = 0;
  const auto at = parse_endpoint(parts.second);
  if (!absl::SimpleAtoi(parts.first, &id) || id == 0 || !at || at->port == 0)
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ID=HOST:PORT"));
  return founder{node_id(id), parts.second};
}

}  // namespace

exit_code restore(words args, const choices& chosen) {
  const auto& file = args[0];
  auto dir = args[1];
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  const auto who = parse_founder(args[2]);
  if (!who.ok()) return say(usage, who.status().message());
  if (dir.empty()) return say(usage, "DATA_DIR: it is empty");
  if (is_below_data_dir(dir))
    return say(
        refused,
        absl::StrCat(dir, ": that is in the data directory of a node; choose another place"));
  const auto files = storage::make_posix_env(storage::sync_mode::always);
  const auto from = storage::snapshot_reader::open(*files, file);
  if (!from.ok()) return say(refused, from.status().message());
  const auto& end = (*from)->meta().last.last;
  // An empty directory is as good as none.
  std::error_code ignored;
  if (std::filesystem::is_empty(dir, ignored)) std::filesystem::remove(dir, ignored);
  remains r;
  r.node = who->id;
  r.last = end;
  r.members = core::membership::of_majority({{who->id, who->address}});
  auto how = new_cluster(r, storage::draw_incarnation());
  how.record = absl::StrCat("`ctl restore` began a new cluster here.\nwhen: ",
                            absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone()),
                            "\nwith the backup: ", file, ", up to ", text_of(end), "\n");
  if (const auto s = storage::found_with_backup(*files, file, dir, who->id, how); !s.ok()) {
    const auto begun = storage::refounding_interrupted(*files, dir);
    if (!begun.ok() || !*begun) return say(refused, s.message());
    return say(unknown, absl::StrCat(s.message(), "; the directory is there, but `ctl recover ",
                                     dir, "` must complete it"));
  }
  if (chosen.json)
    print(nlohmann::json{
              {"node", who->id.value}, {"snapshot_index", end.index.value}, {"data_dir", dir}}
              .dump() +
          "\n");
  else
    print(absl::StrCat("node ", who->id.value, " is a cluster of its own with all up to entry ",
                       end.index.value, ": start it with --id=", who->id.value, " --data_dir=", dir,
                       " --raft_address=", who->address,
                       " and the --machine of the node that was backed up, then others with "
                       "--join\n"));
  return done;
}

}  // namespace troupe::tools
