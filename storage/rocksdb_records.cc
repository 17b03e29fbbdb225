#include "storage/rocksdb_records.h"

#include <algorithm>
#include <cstring>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t state_magic = 0x5453'4550'554f'5254;  // "TROUPEST"
constexpr uint32_t format_version = 1;
constexpr uint32_t committed_flag = 1;
constexpr uint32_t joined_flag = 2;
constexpr std::string_view batch_prefix = "batch";

struct state_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t node;
  uint64_t incarnation;
  uint64_t number;
  uint64_t vote_term;
  uint64_t vote_node;
  uint64_t purged_term;
  uint64_t purged_node;
  uint64_t purged_index;
  uint64_t purged_checksum;
  uint64_t shortened;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(state_bytes) == 104);

uint64_t checksum_of(const state_bytes& b) {
  return XXH3_64bits(&b, offsetof(state_bytes, checksum));
}

}  // namespace

std::string encode(const state_record& s) {
  const uint32_t flags = (s.voted.committed ? committed_flag : 0) | (s.joined ? joined_flag : 0);
  state_bytes b{state_magic,
                format_version,
                flags,
                s.owner.node.value,
                s.owner.incarnation,
                s.number,
                s.voted.leader.in.value,
                s.voted.leader.node.value,
                s.purged.last.leader.in.value,
                s.purged.last.leader.node.value,
                s.purged.last.index.value,
                s.purged.checksum,
                s.shortened,
                0};
  b.checksum = checksum_of(b);
  return std::string(reinterpret_cast<const char*>(&b), sizeof b);
}

absl::StatusOr<state_record> decode_state(std::string_view bytes) {
  state_bytes b{};
  std::memcpy(&b, bytes.data(), std::min(bytes.size(), sizeof b));
  if (bytes.size() != sizeof b || b.magic != state_magic || b.checksum != checksum_of(b))
    return absl::DataLossError("the state record is damaged");
  if (b.version != format_version)
    return absl::UnimplementedError(
        absl::StrCat("state record of unknown version ", b.version, ": a newer Troupe wrote it"));
  state_record s;
  s.owner = {node_id(b.node), b.incarnation};
  s.number = b.number;
  s.voted = {{term(b.vote_term), node_id(b.vote_node)}, (b.flags & committed_flag) != 0};
  s.joined = (b.flags & joined_flag) != 0;
  s.purged = {{{term(b.purged_term), node_id(b.purged_node)}, log_index(b.purged_index)},
              b.purged_checksum};
  s.shortened = b.shortened;
  return s;
}

std::string batch_key(log_index first) {
  std::string key(batch_prefix);
  for (int shift = 56; shift >= 0; shift -= 8)
    key.push_back(static_cast<char>(first.value >> shift));
  return key;
}

std::string end_of_batches() {
  std::string end(batch_prefix);
  ++end.back();
  return end;
}

std::string encode_number(uint64_t number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

absl::StatusOr<batch_record> decode_batch(std::string_view key, std::string_view value) {
  batch_record record{};
  if (value.size() < sizeof record.number) return absl::DataLossError("a batch record is cut off");
  std::memcpy(&record.number, value.data(), sizeof record.number);
  TROUPE_TRY_LET(record.batch, batch::parse(std::string(value.substr(sizeof record.number))));
  if (key != batch_key(record.batch->first_index()))
    return absl::DataLossError(absl::StrCat(
        "the batch of index ", record.batch->first_index().value, " is in the place of another"));
  return record;
}

absl::Status status_of(const rocksdb::Status& status, const std::string& where) {
  if (status.ok()) return absl::OkStatus();
  auto code = absl::StatusCode::kUnknown;
  if (status.IsCorruption()) code = absl::StatusCode::kDataLoss;
  if (status.IsNoSpace()) code = absl::StatusCode::kResourceExhausted;
  if (status.IsNotSupported()) code = absl::StatusCode::kUnimplemented;
  if (status.IsInvalidArgument()) code = absl::StatusCode::kInvalidArgument;
  return absl::Status(code, absl::StrCat("database ", where, ": ", status.ToString()));
}

}  // namespace troupe::storage
