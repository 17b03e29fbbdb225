#include "storage/snapshot_file.h"

#include <algorithm>
#include <cstring>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t snapshot_magic = 0x4e53'4550'554f'5254;  // "TROUPESN"
constexpr uint32_t format_version = 1;
// Flags.
constexpr uint32_t whole = 0, without_state = 1;
// More is no membership.
constexpr uint32_t longest_membership = 1 << 20;

// The membership's bytes follow, and then the checksum of both.
struct header_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t cluster;
  uint64_t last_term;
  uint64_t last_node;
  uint64_t last_index;
  uint64_t last_checksum;
  uint64_t membership_term;
  uint64_t membership_node;
  uint64_t membership_index;
  uint32_t membership_length;
  uint32_t zero;
};
static_assert(sizeof(header_bytes) == 88);

// Before the bytes of a block. The end is one without bytes, that says how many there were in all.
struct block_bytes {
  uint32_t length;
  uint32_t zero;
  uint64_t state_size;  // of all blocks up to this one
  uint64_t
      checksum;  // XXH3-64 of the block's bytes, then of the fields before this and of `before`
};
static_assert(sizeof(block_bytes) == 24);

template <class Struct>
std::string_view bytes_of(const Struct& s) {
  return {reinterpret_cast<const char*>(&s), sizeof s};
}

uint64_t checksum_of(const block_bytes& b, std::string_view state, uint64_t before) {
  const uint64_t parts[] = {XXH3_64bits(state.data(), state.size()), b.length, b.state_size};
  return XXH3_64bits_withSeed(parts, sizeof parts, before);
}

header_bytes header_of(const snapshot_meta& m) {
  header_bytes h{};
  h.magic = snapshot_magic;
  h.version = format_version;
  h.cluster = m.cluster;
  h.last_term = m.last.last.leader.in.value;
  h.last_node = m.last.last.leader.node.value;
  h.last_index = m.last.last.index.value;
  h.last_checksum = m.last.checksum;
  h.membership_term = m.membership_at.leader.in.value;
  h.membership_node = m.membership_at.leader.node.value;
  h.membership_index = m.membership_at.index.value;
  h.membership_length = static_cast<uint32_t>(m.membership.size());
  return h;
}

snapshot_meta meta_of(const header_bytes& h, std::string membership) {
  return {{{{term(h.last_term), node_id(h.last_node)}, log_index(h.last_index)}, h.last_checksum},
          {{term(h.membership_term), node_id(h.membership_node)}, log_index(h.membership_index)},
          std::move(membership),
          h.cluster};
}

}  // namespace

// -- writing --------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<snapshot_writer>> snapshot_writer::create(
    env& files, const std::string& path, const snapshot_meta& meta) {
  TROUPE_TRY_LET(auto to, files.open(path, open_mode::create));
  auto made = std::unique_ptr<snapshot_writer>(new snapshot_writer(std::move(to)));
  TROUPE_TRY(made->begin(meta, whole));
  return made;
}

absl::Status snapshot_writer::write_header(env& files, const std::string& path,
                                           const snapshot_meta& meta) {
  TROUPE_TRY_LET(auto to, files.open(path, open_mode::create));
  snapshot_writer made(std::move(to));
  TROUPE_TRY(made.begin(meta, without_state));
  return made.finish();
}

absl::Status snapshot_writer::begin(const snapshot_meta& meta, uint32_t flags) {
  auto fields = header_of(meta);
  fields.flags = flags;
  auto header = absl::StrCat(std::string(bytes_of(fields)), meta.membership);
  chain_ = XXH3_64bits(header.data(), header.size());
  header.append(bytes_of(chain_));
  return write(header);
}

absl::Status snapshot_writer::write(std::string_view bytes) {
  TROUPE_TRY(file_->write(size_, bytes));
  size_ += bytes.size();
  if (size_ - synced_ < sync_distance) return absl::OkStatus();
  synced_ = size_;
  return file_->sync();
}

absl::Status snapshot_writer::write_block(std::string_view state) {
  state_size_ += state.size();
  block_bytes b{static_cast<uint32_t>(state.size()), 0, state_size_, 0};
  b.checksum = chain_ = checksum_of(b, state, chain_);
  TROUPE_TRY(write(bytes_of(b)));
  return state.empty() ? absl::OkStatus() : write(state);
}

absl::Status snapshot_writer::add(std::string_view state) {
  while (!state.empty()) {
    const size_t count = std::min(block_size - block_.size(), state.size());
    block_.append(state.substr(0, count));
    state.remove_prefix(count);
    if (block_.size() < block_size) continue;
    TROUPE_TRY(write_block(block_));
    block_.clear();
  }
  return absl::OkStatus();
}

absl::Status snapshot_writer::finish() {
  if (!block_.empty()) TROUPE_TRY(write_block(block_));
  TROUPE_TRY(write_block({}));
  return file_->sync();
}

// -- reading --------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<snapshot_reader>> snapshot_reader::open(
    env& files, const std::string& path, std::shared_ptr<const void> held) {
  TROUPE_TRY_LET(auto opened, open_as(files, path, whole));
  opened->held_ = std::move(held);
  return opened;
}

absl::StatusOr<snapshot_meta> snapshot_reader::read_header_of(env& files, const std::string& path) {
  TROUPE_TRY_LET(const auto from, open_as(files, path, without_state));
  return from->meta();
}

absl::StatusOr<std::unique_ptr<snapshot_reader>> snapshot_reader::open_as(env& files,
                                                                          const std::string& path,
                                                                          uint32_t flags) {
  TROUPE_TRY_LET(auto from, files.open(path, open_mode::reading));
  auto opened = std::unique_ptr<snapshot_reader>(new snapshot_reader(std::move(from)));
  TROUPE_TRY_LET(opened->size_, opened->file_->size());
  TROUPE_TRY(opened->read_header(flags));
  TROUPE_TRY(opened->read_end());
  return opened;
}

absl::Status snapshot_reader::damaged(const char* what) const {
  return absl::DataLossError(absl::StrCat(file_->path(), " at offset ", at_, ": ", what));
}

absl::Status snapshot_reader::read_header(uint32_t flags) {
  header_bytes h{};
  TROUPE_TRY_LET(auto header, file_->read(0, sizeof h));
  if (header.size() < sizeof h) return damaged("the header is not whole");
  std::memcpy(&h, header.data(), sizeof h);
  if (h.magic != snapshot_magic || h.membership_length > longest_membership)
    return damaged("this is no header of a snapshot");
  TROUPE_TRY_LET(const auto rest, file_->read(sizeof h, h.membership_length + sizeof seed_));
  if (rest.size() < h.membership_length + sizeof seed_) return damaged("the header is not whole");
  header.append(rest, 0, h.membership_length);
  std::memcpy(&seed_, rest.data() + h.membership_length, sizeof seed_);
  if (seed_ != XXH3_64bits(header.data(), header.size())) return damaged("the header is damaged");
  if (h.version != format_version || h.flags > without_state)
    return absl::UnimplementedError(absl::StrCat(file_->path(), " at offset 0: unknown version ",
                                                 h.version, " (flags ", h.flags,
                                                 "): a newer Troupe wrote it"));
  if (h.flags != flags)
    return damaged(h.flags == whole ? "it is a whole snapshot" : "it is a header without a state");
  meta_ = meta_of(h, header.substr(sizeof h));
  begin_ = header.size() + sizeof seed_;
  rewind();
  return absl::OkStatus();
}

absl::Status snapshot_reader::read_end() {
  if (size_ < at_ + sizeof(block_bytes)) return damaged("it ends before its end");
  TROUPE_TRY_LET(const auto last, file_->read(size_ - sizeof end_, sizeof end_));
  if (last.size() < sizeof end_) return damaged("it ends before its end");
  std::memcpy(&end_, last.data(), sizeof end_);
  return absl::OkStatus();
}

absl::Status snapshot_reader::verify(absl::FunctionRef<bool()> go_on) {
  rewind();
  while (!ended_) {
    if (!go_on()) return absl::CancelledError(file_->path() + ": it is not read to its end");
    TROUPE_TRY(next().status());
  }
  rewind();
  return absl::OkStatus();
}

void snapshot_reader::rewind() {
  at_ = begin_, chain_ = seed_, state_size_ = 0;
  ended_ = false;
}

absl::StatusOr<std::string> snapshot_reader::next() {
  if (ended_) return std::string();
  block_bytes b{};
  TROUPE_TRY_LET(const auto fields, file_->read(at_, sizeof b));
  if (fields.size() < sizeof b) return damaged("it ends before its end");
  std::memcpy(&b, fields.data(), sizeof b);
  if (b.length > snapshot_writer::block_size) return damaged("a block that is too long");
  TROUPE_TRY_LET(auto state, file_->read(at_ + sizeof b, b.length));
  if (state.size() < b.length) return damaged("it ends before its end");
  state_size_ += b.length;
  if (b.state_size != state_size_ || b.zero != 0 || b.checksum != checksum_of(b, state, chain_))
    return damaged("the block is damaged");
  chain_ = b.checksum;
  at_ += sizeof b + b.length;
  ended_ = b.length == 0;
  if (ended_ && at_ != size_) return damaged("something follows its end");
  return state;
}

}  // namespace troupe::storage
