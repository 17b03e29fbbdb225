// Bits flip in every kind of byte that a data directory has, in whatever state a process or the
// power may have left it. Each time opening finds it out and says where, or all is as it was: no
// other vote, log or owner is taken for the true one. What cannot be told from a crash is what
// FORMAT.md says, and no more (rot_model.h).
//
// A failure prints how to replay it: TROUPE_ROT=<state>:<flip>.
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "storage/replay.h"
#include "storage/restore_from.h"
#include "storage/rot_model.h"
#include "storage/scripted.h"
#include "storage/verify.h"

namespace troupe::storage {
namespace {

constexpr uint64_t states = 5000;
constexpr uint64_t flips_per_state = 40;
constexpr char unfinished_set_up[] = "file of an unfinished set-up";

// All that a storage tells.
struct contents {
  identity owner;
  vote saved;
  bool joined = false;
  log_tail purged;
  log_tail tail;
  std::vector<std::string> batches;

  bool operator==(const contents&) const = default;
};

absl::StatusOr<contents> read_all(durable_storage& from) {
  contents all{from.owner(), from.saved_vote(), from.joined(), from.purged(), from.tail(), {}};
  for (log_tail at = all.purged; at != all.tail;) {
    const auto found = from.read(at.last.index.next(), MiB(1));
    if (!found.ok()) return found.status();
    for (const auto& b : *found) all.batches.push_back(b->bytes());
    at = found->back()->tail();
  }
  return all;
}

// A machine somewhere in a script: its process is killed there, or the power cut.
struct stopped {
  scripted machine;
  bool power_was_cut;
};

stopped some_state(uint64_t state) {
  numbers random(state);
  scripted machine(state);
  uint64_t calls = 1 + random.below(random.below(3) == 0 ? 60 : 400);
  std::optional<scripted> taken;
  machine.files().set_fault([&](std::string_view, const std::string&) {
    if (--calls == 0) taken.emplace(machine);
    return absl::OkStatus();
  });
  EXPECT_TRUE(machine.open().ok());
  while (!taken) EXPECT_TRUE(machine.run(1).ok());
  const bool cut = random.below(2) == 0;
  if (cut) taken->files().crash(state);
  return {*std::move(taken), cut};
}

// Where the flips of a state go: as many to each kind of part, whatever its size.
class aim {
 public:
  aim(const std::vector<part>& parts, uint64_t seed) : random_(seed) {
    for (const auto& p : parts) kinds_[p.kind].push_back(p);
  }
  struct target {
    part in;
    uint64_t offset;
    int bit;
  };
  target next() {
    const auto kind = std::next(kinds_.begin(), static_cast<long>(random_.below(kinds_.size())));
    const auto& in = kind->second[random_.below(kind->second.size())];
    return {in, in.begin + random_.below(in.end - in.begin), static_cast<int>(random_.below(8))};
  }

 private:
  numbers random_;
  std::map<std::string, std::vector<part>> kinds_;
};

std::string place_of(const part& p) {
  return p.path + " at offset " + std::to_string(p.told_at) + ":";
}

void expect_damage_at(const absl::Status& told, const part& p) {
  EXPECT_TRUE(absl::IsDataLoss(told)) << told;
  EXPECT_NE(told.message().find(place_of(p)), absl::string_view::npos) << told;
}

std::string replay_of(uint64_t state, uint64_t number, const aim::target& flip) {
  return "replay with TROUPE_ROT=" + std::to_string(state) + ":" + std::to_string(number) +
         ", bit " + std::to_string(flip.bit) + " at " + std::to_string(flip.offset) + " of " +
         place_of(flip.in) + " " + flip.in.kind;
}

// The newest batches that fit.
std::set<std::string> cached(const contents& whole, byte_count most) {
  std::set<std::string> held;
  uint64_t size = 0;
  for (auto next = whole.batches.rbegin(); next != whole.batches.rend(); ++next) {
    size += next->size();
    if (size > most.value) break;
    held.insert(*next);
  }
  return held;
}

// `whole` ends before the batch that starts with these bytes.
contents cut_before(contents whole, std::string_view bytes) {
  const auto from = std::ranges::find(whole.batches, bytes);
  EXPECT_NE(from, whole.batches.end());
  whole.batches.erase(from, whole.batches.end());
  whole.tail =
      whole.batches.empty() ? whole.purged : batch::parse(whole.batches.back()).value()->tail();
  return whole;
}

// One state of a machine, and what it holds when nothing rots.
class patient {
 public:
  explicit patient(uint64_t state) : patient(some_state(state)) {}

  const std::vector<part>& parts() const { return parts_; }

  enum class way { opens, verifies, cuts };
  void expect_noticed(const aim::target& flip, way how) {
    memory_env files(machine_.files());
    flip_bit(files, flip.in.path, flip.offset, flip.bit);
    auto options = scripted::options();
    options.cut_damage = how == way::cuts;
    auto opened = how == way::verifies ? open_for_verification(files, options.dir)
                                       : durable_storage::open(files, options);
    if (flip.in.due == verdict::refused && opened.ok()) return expect_promised(flip.in, **opened);
    if (flip.in.due == verdict::refused) return expect_damage_at(opened.status(), flip.in);
    ASSERT_TRUE(opened.ok()) << opened.status();
    const bool mended = flip.in.due == verdict::mended || flip.in.due == verdict::older_vote;
    EXPECT_EQ((*opened)->repaired().find(place_of(flip.in)) != std::string::npos, mended)
        << (*opened)->repaired();
    expect_allowed(flip.in, **opened);
  }

 private:
  explicit patient(stopped at)
      : machine_(std::move(at.machine)), power_was_cut_(at.power_was_cut), healthy_(machine_) {
    parts_ = parts_of(machine_.files(), scripted::options().dir);
    EXPECT_TRUE(healthy_.open().ok());
    EXPECT_EQ(healthy_.storage().repaired(), "");
    whole_ = *read_all(healthy_.storage());
    EXPECT_EQ(healthy_.judge(), "");
  }

  // It was cut at the damage, and is known to have gone as far as was ever acknowledged.
  void expect_promised(const part& rotten, durable_storage& opened) {
    const auto lost = opened.lost();
    const auto found = read_all(opened);
    ASSERT_TRUE(found.ok()) << found.status();
    // A segment that never held anything takes nothing with it.
    EXPECT_TRUE(lost.has_value() || *found == whole_) << "entries are lost, and nobody knows";
    if (!lost) return;
    EXPECT_NE(lost->where.find(place_of(rotten)), std::string::npos) << lost->where;
    EXPECT_LE(lost->last, whole_.tail.last);
    if (machine_.doing() != "truncate" && machine_.doing() != "reset") {
      EXPECT_GE(lost->last, machine_.oracle().durable().tail().last);
    }
    EXPECT_EQ(found->saved, whole_.saved);
    EXPECT_EQ(found->owner, whole_.owner);
    ASSERT_LT(found->batches.size(), whole_.batches.size());
    EXPECT_TRUE(
        std::ranges::equal(found->batches, std::span(whole_.batches).first(found->batches.size())));
    expect_restored(opened, lost->last);
  }

  // Where another node has an intact copy, the log is as it was.
  void expect_restored(durable_storage& opened, const log_id& end) {
    const auto done = restore_from(opened, healthy_.storage(), KiB(1));
    ASSERT_TRUE(done.ok()) << done;
    EXPECT_FALSE(opened.lost().has_value());
    const auto found = read_all(opened);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->tail.last, end);
    EXPECT_TRUE(
        std::ranges::equal(found->batches, std::span(whole_.batches).first(found->batches.size())));
  }

  void expect_allowed(const part& rotten, durable_storage& opened) {
    const auto found = read_all(opened);
    ASSERT_TRUE(found.ok()) << found.status();
    contents expected = whole_;
    if (rotten.due == verdict::cut)
      expected = cut_before(whole_, content_of(machine_.files(), rotten.path)
                                        .substr(rotten.begin, rotten.end - rotten.begin));
    if (rotten.due == verdict::older_vote) {
      EXPECT_NE(found->saved, whole_.saved);
      expected.saved = found->saved;
      expected.joined = found->joined;
    }
    if (rotten.due != verdict::unfinished) {
      EXPECT_TRUE(*found == expected) << "another vote, log or owner was taken for the true one";
    }
    // Where only the process ended, all that was acknowledged is there even so, unless it ended
    // between cutting a segment and marking its new end.
    const bool between = rotten.due == verdict::cut && machine_.doing() == "truncate";
    if (rotten.due == verdict::unfinished || !(power_was_cut_ || between)) {
      crash_oracle oracle = machine_.oracle();
      EXPECT_EQ(oracle.judge(opened), "");
    }
  }

  scripted machine_;
  bool power_was_cut_;
  scripted healthy_;
  std::vector<part> parts_;
  contents whole_;
};

using tally = std::map<std::string, uint64_t>;

void expect_flips_in(const std::vector<std::string>& kinds, const tally& flips) {
  uint64_t all = 0;
  for (const auto& [kind, number] : flips) {
    all += number;
    std::printf("%8lu %s\n", number, kind.c_str());
  }
  EXPECT_GE(all, 100'000u);
  // A power cut seldom takes a mark and leaves what was written behind it.
  for (const auto& kind : kinds)
    EXPECT_GE(flips.count(kind) ? flips.at(kind) : 0, kind == "lost mark" ? 5u : 20u) << kind;
}

// Calls `flip(state, number)` for all, or for the one that is replayed. False for the latter.
template <class Flips>
bool for_each_state(Flips flips) {
  uint64_t only_state = 0, only_flip = 0;
  if (const auto which = replayed("TROUPE_ROT")) {
    EXPECT_EQ(std::sscanf(which->c_str(), "%lu:%lu", &only_state, &only_flip), 2);
    flips(only_state, only_flip);
    return false;
  }
  for (uint64_t state = 1; state <= states && !testing::Test::HasFailure(); ++state)
    flips(state, 0);
  return true;
}

// Scenarios 66 and 67.
TEST(rot_test, a_flipped_bit_of_any_kind_of_file_is_noticed_before_it_is_used) {
  tally flips;
  const bool all = for_each_state([&](uint64_t state, uint64_t only) {
    patient sick(state);
    if (sick.parts().empty()) return;  // the power was cut before anything was durable
    aim targets(sick.parts(), state);
    for (uint64_t i = 1; i <= flips_per_state && !HasFailure(); ++i) {
      const auto flip = targets.next();
      if (only != 0 && i != only) continue;
      SCOPED_TRACE(replay_of(state, i, flip));
      const bool set_up = flip.in.kind != unfinished_set_up;
      const patient::way ways[] = {patient::way::opens, patient::way::cuts,
                                   set_up ? patient::way::verifies : patient::way::opens};
      sick.expect_noticed(flip, ways[i % 3]);
      ++flips[flip.in.kind];
    }
  });
  if (all)
    expect_flips_in({"identity",
                     "slot of the vote",
                     "slot with the only newest vote",
                     "bytes between the slots",
                     "header of a newest segment",
                     "header of an empty newest segment",
                     "header of a sealed segment",
                     "rest of a header block",
                     "batch in a sealed segment",
                     "mark in a sealed segment",
                     "batch in a newest segment",
                     "mark in a newest segment",
                     "last mark",
                     "batch behind the last mark",
                     "batch that is noted",
                     "noted end of the log",
                     "lost mark",
                     "zeros written ahead",
                     "torn write",
                     "reserve",
                     "torn header",
                     "zeros behind a torn header",
                     "void segment",
                     unfinished_set_up},
                    flips);
}

// While the storage is open: what is read is verified, unless it is still in memory.
TEST(rot_test, a_read_notices_what_rotted_since_the_storage_was_opened) {
  tally flips;
  const bool all = for_each_state([&](uint64_t state, uint64_t only) {
    auto machine = some_state(state).machine;
    auto options = scripted::options();
    if (state % 2 == 0) options.log.cache = {};
    const auto opened = durable_storage::open(machine.files(), options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto whole = *read_all(**opened);
    const auto in_memory = cached(whole, options.log.cache);
    aim targets(parts_of(machine.files(), options.dir), state);
    for (uint64_t i = 1; i <= flips_per_state && !HasFailure(); ++i) {
      const auto flip = targets.next();
      if (only != 0 && i != only) continue;
      SCOPED_TRACE(replay_of(state, i, flip));
      const auto bytes = content_of(machine.files(), flip.in.path)
                             .substr(flip.in.begin, flip.in.end - flip.in.begin);
      flip_bit(machine.files(), flip.in.path, flip.offset, flip.bit);
      const auto found = read_all(**opened);
      flip_bit(machine.files(), flip.in.path, flip.offset, flip.bit);
      const bool is_batch = flip.in.kind.starts_with("batch ");
      const bool from_file = is_batch && in_memory.count(bytes) == 0;
      if (from_file)
        expect_damage_at(found.status(), flip.in);
      else
        EXPECT_TRUE(found.ok() && *found == whole) << found.status();
      ++flips[!is_batch ? "other bytes" : from_file ? "batch in a file" : "batch in memory"];
    }
  });
  if (all) expect_flips_in({"other bytes", "batch in a file", "batch in memory"}, flips);
}

}  // namespace
}  // namespace troupe::storage
