// Commands about the data directory of a node that is not running.
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "actors/log_join.h"
#include "actors/membership_codec.h"
#include "proto/text_of.h"
#include "storage/posix_env.h"
#include "storage/snapshot_store.h"
#include "storage/verify.h"
#include "tools/ctl/command.h"
#include "tools/ctl/recover_command.h"
#include "tools/ctl/restore_command.h"

namespace troupe::tools {
namespace {

// 0 clean, 1 mended from its own copies, 2 damaged, 3 could not be looked at.
enum verdict { clean = 0, mended = 1, damaged = 2, not_seen = 3 };

constexpr byte_count chunk = MiB(8);

// What the directory is not, on stderr.
exit_code explain(const absl::Status& why) {
  const bool lost = absl::IsDataLoss(why) || absl::IsUnimplemented(why);
  return say(static_cast<exit_code>(lost ? damaged : not_seen), why.message());
}

// The newest snapshot is whole, and the log goes on from it; its end.
absl::StatusOr<log_index> verify_snapshot(storage::env& files, const std::string& dir,
                                          storage::log_storage& log) {
  const auto store = storage::snapshot_store::open(files, storage::snapshots_of(dir));
  if (!store.ok()) return store.status();
  if (const auto& damaged = (*store)->damaged()) return absl::DataLossError(damaged->why);
  const auto newest = (*store)->newest_meta();
  if (newest) {
    const auto from = (*store)->read();
    if (!from.ok()) return from.status();
    if (auto whole = (*from)->verify(); !whole.ok()) return whole;
  }
  if (auto joint = check_joint(log, newest); !joint.ok()) return joint;
  return newest ? newest->last.last.index : log_index();
}

exit_code verify(words args, const choices& chosen) {
  const auto& dir = args[0];
  const auto files = storage::make_posix_env(storage::sync_mode::always);
  const auto found = storage::open_for_verification(*files, dir);
  if (!found.ok()) return explain(found.status());
  auto& s = **found;
  if (const auto lost = s.lost())
    return say(
        static_cast<exit_code>(damaged),
        absl::StrCat(lost->where, "; the log was cut there, it ends at ", text_of(s.tail().last),
                     ", and its node waits until it has again what it held up to ",
                     text_of(lost->last)));
  const auto snapshot = verify_snapshot(*files, dir, s);
  if (!snapshot.ok()) return explain(snapshot.status());
  const auto vote = s.saved_vote();
  const auto voted = absl::StrCat("T", vote.leader.in.value, ".N", vote.leader.node.value,
                                  vote.committed ? "!" : "?");
  if (chosen.json)
    print(nlohmann::json{{"node", s.owner().node.value},
                         {"vote", voted},
                         {"purged", s.purged().last.index.value},
                         {"snapshot", snapshot->value},
                         {"last", text_of(s.tail().last)},
                         {"repaired", s.repaired()}}
              .dump() +
          "\n");
  else
    print(absl::StrCat(
        "node ", s.owner().node.value, ", vote ", voted,
        *snapshot ? absl::StrCat(", snapshot up to ", snapshot->value) : "", ", entries ",
        s.purged().last.index.next().value, " to ", text_of(s.tail().last), ": ",
        s.repaired().empty() ? "clean" : absl::StrCat("mended: ", s.repaired()), "\n"));
  return static_cast<exit_code>(s.repaired().empty() ? clean : mended);
}

const char* word_for(batch_kind kind) {
  switch (kind) {
    case batch_kind::commands:
      return "commands";
    case batch_kind::membership:
      return "members";
    case batch_kind::blank:
      break;
  }
  return "blank";
}

// A line for each batch.
void print_batch(const batch& b, bool json) {
  std::string members;
  if (b.kind() == batch_kind::membership)
    if (const auto m = decode_membership(*b.entries().begin())) members = text_of(*m);
  if (json)
    print(nlohmann::json{{"first", b.first_index().value},
                         {"last", text_of(b.last())},
                         {"kind", word_for(b.kind())},
                         {"bytes", b.bytes().size()},
                         {"checksum", absl::StrCat(absl::Hex(b.checksum(), absl::kZeroPad16))},
                         {"members", members}}
              .dump() +
          "\n");
  else
    print(absl::StrCat(b.first_index().value, "..", text_of(b.last()), " ", word_for(b.kind()), " ",
                       b.bytes().size(), " bytes ", absl::Hex(b.checksum(), absl::kZeroPad16),
                       members.empty() ? "" : " ", members, "\n"));
}

exit_code dump_log(words args, const choices& chosen) {
  const auto& dir = args[0];
  const auto files = storage::make_posix_env(storage::sync_mode::always);
  const auto found = storage::open_for_verification(*files, dir);
  // Then people want to see what is there all the same.
  if (absl::IsDataLoss(found.status()))
    storage::visit_intact(*files, dir, [&](const batch_ptr& b) {
      print_batch(*b, chosen.json);
    }).IgnoreError();
  if (!found.ok()) return explain(found.status());
  auto& s = **found;
  for (auto at = s.purged().last.index.next(); at <= s.tail().last.index;) {
    const auto some = s.read(at, chunk);
    if (!some.ok()) return explain(some.status());
    for (const auto& b : *some) print_batch(*b, chosen.json);
    at = some->back()->last_index().next();
  }
  return done;
}

constexpr offline_command commands[] = {
    {"verify", " DATA_DIR", 1, verify},
    {"log", " DATA_DIR", 1, dump_log},
    {"recover", " DATA_DIR", 1, recover},
    {"restore", " FILE DATA_DIR ID=HOST:PORT", 3, restore},
};

}  // namespace

std::span<const offline_command> offline_commands() { return commands; }

}  // namespace troupe::tools
