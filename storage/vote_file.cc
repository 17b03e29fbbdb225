#include "storage/vote_file.h"

#include <cstring>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "proto/trace.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t vote_magic = 0x4f56'4550'554f'5254;  // "TROUPEVO"
constexpr uint32_t format_version = 1;
constexpr uint64_t slot_distance = 4096;

struct slot_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t node;         // whose vote this is
  uint64_t incarnation;  // of the data directory
  uint64_t sequence;
  uint64_t leader_term;
  uint64_t leader_node;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(slot_bytes) == 64);

constexpr uint32_t note_version = 2;
constexpr uint64_t end_magic = 0x4e45'4550'554f'5254;  // "TROUPEEN"
constexpr uint64_t end_offset = 2 * slot_distance;

// All of it in one sector.
struct end_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;  // none yet
  uint64_t node;
  uint64_t incarnation;
  uint64_t term;
  uint64_t leader;
  uint64_t index;
  uint64_t first;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(end_bytes) == 72);

uint64_t checksum_of(const end_bytes& b) { return XXH3_64bits(&b, offsetof(end_bytes, checksum)); }

constexpr uint32_t committed_flag = 1;
constexpr uint32_t joined_flag = 2;

uint64_t checksum_of(const slot_bytes& b) {
  return XXH3_64bits(&b, offsetof(slot_bytes, checksum));
}

struct slot {
  vote saved;
  bool joined;
  uint64_t sequence;
};

absl::StatusOr<slot> read_slot(file& from, int number, const identity& owner) {
  const uint64_t offset = number * slot_distance;
  TROUPE_TRY_LET(const auto bytes, from.read(offset, sizeof(slot_bytes)));
  slot_bytes b{};
  std::memcpy(&b, bytes.data(), bytes.size());
  const std::string where = absl::StrCat(from.path(), " at offset ", offset, ": ");
  if (b.magic != vote_magic || b.checksum != checksum_of(b))
    return absl::DataLossError(where + "the vote is damaged");
  if (b.version != format_version || (b.flags & ~(committed_flag | joined_flag)) != 0)
    return absl::UnimplementedError(absl::StrCat(where, "unknown version ", b.version, " (flags ",
                                                 b.flags, "): a newer Troupe wrote it"));
  if (b.node != owner.node.value || b.incarnation != owner.incarnation)
    return absl::DataLossError(where + "the vote comes from another data directory");
  const vote saved{{term(b.leader_term), node_id(b.leader_node)}, (b.flags & committed_flag) != 0};
  return slot{saved, (b.flags & joined_flag) != 0, b.sequence};
}

}  // namespace

vote_file::vote_file(std::unique_ptr<file> file, const identity& owner)
    : file_(std::move(file)), owner_(owner) {}

absl::StatusOr<std::unique_ptr<vote_file>> vote_file::create(env& files, const std::string& dir,
                                                             const identity& owner) {
  TROUPE_TRY_LET(auto file, files.open(dir + "/" + vote_file_name, open_mode::create));
  auto made = std::unique_ptr<vote_file>(new vote_file(std::move(file), owner));
  TROUPE_TRY(made->write_slot(0));
  TROUPE_TRY(made->write_slot(1));
  TROUPE_TRY(made->file_->sync());
  return made;
}

absl::StatusOr<std::unique_ptr<vote_file>> vote_file::open(env& files, const std::string& dir,
                                                           const identity& owner) {
  const std::string path = dir + "/" + vote_file_name;
  auto file = files.open(path, open_mode::existing);
  if (absl::IsNotFound(file.status()))
    return absl::DataLossError(absl::StrCat(path, ": the vote is missing"));
  TROUPE_TRY(file.status());
  auto found = std::unique_ptr<vote_file>(new vote_file(*std::move(file), owner));
  const absl::StatusOr<slot> slots[] = {read_slot(*found->file_, 0, owner),
                                        read_slot(*found->file_, 1, owner)};
  for (const auto& s : slots)
    if (!s.ok() && !absl::IsDataLoss(s.status())) return s.status();
  if (!slots[0].ok() && !slots[1].ok()) return slots[0].status();
  for (const auto& s : slots)
    if (!s.ok()) {
      TROUPE_EVENT(warn) << "repairing from its copy: " << s.status().message();
      found->repaired_ = std::string(s.status().message());
    }
  const bool second = !slots[0].ok() || (slots[1].ok() && slots[1]->sequence > slots[0]->sequence);
  found->saved_ = slots[second]->saved;
  found->joined_ = slots[second]->joined;
  found->sequence_ = slots[second]->sequence;
  found->durable_slot_ = second;
  // The vote that was found may be in the kernel's cache only. It is made durable before its copy
  // is written over the other slot, which may hold the last vote that is.
  TROUPE_TRY(found->file_->sync());
  TROUPE_TRY(found->write_slot(1 - found->durable_slot_));
  TROUPE_TRY(found->file_->sync());
  TROUPE_TRY_LET(found->note_, read_log_note(files, dir, owner));
  return found;
}

// Where it is damaged or of another version, marks have to do.
absl::StatusOr<log_note> read_log_note(env& files, const std::string& dir, const identity& owner) {
  auto from = files.open(dir + "/" + vote_file_name, open_mode::existing);
  if (absl::IsNotFound(from.status())) return log_note{};
  TROUPE_TRY(from.status());
  TROUPE_TRY_LET(const auto bytes, (*from)->read(end_offset, sizeof(end_bytes)));
  end_bytes b{};
  std::memcpy(&b, bytes.data(), bytes.size());
  const bool known = b.magic == end_magic && b.checksum == checksum_of(b) &&
                     b.version == note_version && b.flags == 0 && b.node == owner.node.value &&
                     b.incarnation == owner.incarnation;
  if (!known) return log_note{};
  return log_note{{{term(b.term), node_id(b.leader)}, log_index(b.index)}, b.first};
}

absl::Status vote_file::note(const log_note& log) {
  if (log == note_) return absl::OkStatus();
  end_bytes b{};
  b.magic = end_magic;
  b.version = note_version;
  b.node = owner_.node.value;
  b.incarnation = owner_.incarnation;
  b.term = log.end.leader.in.value;
  b.leader = log.end.leader.node.value;
  b.index = log.end.index.value;
  b.first = log.first;
  b.checksum = checksum_of(b);
  note_ = log;
  return file_->write(end_offset, {reinterpret_cast<const char*>(&b), sizeof b});
}

absl::Status vote_file::forget_note() {
  if (note_ == log_note{}) return absl::OkStatus();
  TROUPE_TRY(note({}));
  return file_->sync();
}

absl::Status vote_file::save(const vote& v, bool joined) {
  saved_ = v;
  joined_ = joined;
  ++sequence_;
  durable_slot_ = 1 - durable_slot_;
  TROUPE_TRY(write_slot(durable_slot_));
  TROUPE_TRY(file_->sync());
  return write_slot(1 - durable_slot_);
}

absl::Status vote_file::scrub() {
  file_->uncache(0, 2 * slot_distance);
  for (const int number : {0, 1}) {
    const auto found = read_slot(*file_, number, owner_);
    const bool good = found.ok() && found->sequence == sequence_ && found->saved == saved_;
    if (good) continue;
    if (!found.ok() && !absl::IsDataLoss(found.status())) return found.status();
    TROUPE_EVENT(warn) << "repairing from memory: " << file_->path() << ", slot " << number;
    // The other one first: it may be in the kernel's cache only.
    TROUPE_TRY(file_->sync());
    TROUPE_TRY(write_slot(number));
    TROUPE_TRY(file_->sync());
  }
  return absl::OkStatus();
}

absl::Status vote_file::write_slot(int number) {
  slot_bytes b{};
  b.magic = vote_magic;
  b.version = format_version;
  b.flags = (saved_.committed ? committed_flag : 0) | (joined_ ? joined_flag : 0);
  b.node = owner_.node.value;
  b.incarnation = owner_.incarnation;
  b.sequence = sequence_;
  b.leader_term = saved_.leader.in.value;
  b.leader_node = saved_.leader.node.value;
  b.checksum = checksum_of(b);
  return file_->write(number * slot_distance,
                      std::string_view(reinterpret_cast<const char*>(&b), sizeof b));
}

}  // namespace troupe::storage
