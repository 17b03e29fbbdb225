#include "tools/ctl/recovery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "actors/membership_codec.h"
#include "proto/text_of.h"

namespace troupe::tools {
namespace {

constexpr byte_count chunk = MiB(8);

absl::Status note(const batch_ptr& b, remains& r) {
  if (b->kind() == batch_kind::commands) r.commands += b->count();
  if (b->kind() != batch_kind::membership) return absl::OkStatus();
  auto members = decode_membership(*b->entries().begin());
  if (!members)
    return absl::DataLossError(
        absl::StrCat("the membership at entry ", b->first_index().value, " cannot be read"));
  r.members = std::move(*members);
  r.members_at = b->last();
  return absl::OkStatus();
}

absl::Status begin(const storage::snapshot_meta& with, remains& r) {
  auto members = decode_membership(with.membership);
  if (!members) return absl::DataLossError("the membership in the snapshot cannot be read");
  r.members = std::move(*members);
  r.members_at = with.membership_at;
  r.snapshot = with.last.last.index;
  r.last = std::max(r.last, with.last.last);
  return absl::OkStatus();
}

std::string commands_text(const remains& r) {
  const auto before =
      r.snapshot ? absl::StrCat(" behind a snapshot up to entry ", r.snapshot.value) : "";
  return absl::StrCat(r.commands, " commands", before);
}

// A line for each.
std::string members_text(const remains& r) {
  std::string text;
  for (const auto& [id, member] : r.members.nodes())
    absl::StrAppend(&text, "  ", id.value, " ", member.address,
                    r.members.is_voter(id) ? " voter" : " learner",
                    id == r.node ? ", this node\n" : "\n");
  return text;
}

// Empty where nothing was damaged.
std::string lost_text(const remains& r) {
  if (!r.lost) return "";
  return absl::StrCat("It went up to ", text_of(r.lost->last),
                      ", and damage took some of that: ", r.lost->where,
                      ". What of it can still be read stays in log/*.lost of the old directory\n");
}

std::string others_text(const remains& r) {
  std::vector<uint64_t> others;
  for (const auto& [id, member] : r.members.nodes())
    if (id != r.node) others.push_back(id.value);
  return absl::StrJoin(others, ", ");
}

}  // namespace

absl::StatusOr<remains> read_remains(storage::log_storage& log, node_id node,
                                     const std::optional<storage::snapshot_meta>& snapshot) {
  remains r{node, log.saved_vote(), log.tail().last, 0, {}, {}, {}, log.lost()};
  const auto refuse = [](const auto&... why) {
    return absl::FailedPreconditionError(absl::StrCat(why...));
  };
  if (log.purged().last) {
    if (!snapshot || snapshot->last.last.index < log.purged().last.index)
      return refuse("the log begins behind entry ", log.purged().last.index.value,
                    ", and no snapshot has what was before");
    if (const auto begun = begin(*snapshot, r); !begun.ok()) return begun;
  }
  if (!r.last) return refuse("the log of node ", node.value, " is empty: nothing can be recovered");
  for (auto at = r.snapshot.next(); at <= r.last.index;) {
    const auto some = log.read(at, chunk);
    if (!some.ok()) return some.status();
    for (const auto& b : *some)
      if (const auto noted = note(b, r); !noted.ok()) return noted;
    at = some->back()->last_index().next();
  }
  if (!r.members.contains(node))
    return refuse("node ", node.value, " is no member in its own log, which says ",
                  text_of(r.members), " since ", text_of(r.members_at), "; recover one that is");
  return r;
}

storage::refounding new_cluster(const remains& r, uint64_t incarnation) {
  const auto& address = r.members.nodes().at(r.node).address;
  const auto alone = core::membership::of_majority({{r.node, address}});
  storage::refounding made;
  made.incarnation = incarnation;
  made.first = first_batch({alone.configs(), {{r.node, core::member{address, incarnation}}}});
  made.leader = {std::max(r.voted.leader.in, r.last.leader.in).next(), r.node};
  return made;
}

std::string explanation(const remains& r, const std::string& dir) {
  const auto others = others_text(r);
  auto text = absl::StrCat(
      "node ", r.node.value, ", data in ", dir, "\nIts log ends at ", text_of(r.last), ", with ",
      commands_text(r), ".\n", lost_text(r), "The members in it, ", text_of(r.members), " since ",
      text_of(r.members_at), ":\n", members_text(r),
      "To recover is for a cluster whose quorum is lost for good. It means:\n"
      "- A NEW CLUSTER begins. Node ",
      r.node.value,
      " is its only voter, and it has all that this log holds.\n"
      "- Writes that were acknowledged and are not in this log ARE LOST. Where another member's "
      "data is left, recover\n"
      "  the one whose log ends last, by term and then by entry: `ctl verify` tells.\n"
      "- Writes that were never acknowledged and are in this log take effect.\n");
  if (!others.empty())
    absl::StrAppend(&text, "- Never start nodes ", others,
                    " with their data again: enough of them would go on as the old cluster. Empty "
                    "their data directories,\n  then start them with --join.\n");
  return text + "- " + dir + " is kept as " + storage::put_aside(dir) + ".\n";
}

std::string record_of(const remains& r, const std::string& dir, absl::Time when) {
  return absl::StrCat("`ctl recover` began a new cluster here.\nwhen: ",
                      absl::FormatTime(absl::RFC3339_sec, when, absl::UTCTimeZone()),
                      "\nwith the log of: node ", r.node.value, " in ", dir, ", kept as ",
                      storage::put_aside(dir), "\nwhich ended at: ", text_of(r.last), ", with ",
                      commands_text(r), "\n", lost_text(r),
                      "the members were: ", text_of(r.members), " since ", text_of(r.members_at),
                      "\n", members_text(r));
}

}  // namespace troupe::tools
