#include "storage/promise_file.h"

#include <cstring>
#include <memory>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "storage/files.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t promise_magic = 0x5250'4550'554f'5254;  // "TROUPEPR"
constexpr uint32_t format_version = 1;
constexpr size_t longest_text = 1024;
constexpr const char* unfinished_name = "promise.new";

struct promise_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t text_length;
  uint64_t node;
  uint64_t incarnation;
  uint64_t term;
  uint64_t leader;
  uint64_t index;
  uint64_t first;
  char text[longest_text];
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(promise_bytes) == 64 + longest_text + 8);

uint64_t checksum_of(const promise_bytes& b) {
  return XXH3_64bits(&b, offsetof(promise_bytes, checksum));
}

}  // namespace

absl::StatusOr<std::optional<lost_entries>> read_promise(env& files, const std::string& dir,
                                                         const identity& owner) {
  const std::string path = dir + "/" + promise_file_name;
  auto from = files.open(path, open_mode::existing);
  if (absl::IsNotFound(from.status())) return std::nullopt;
  TROUPE_TRY(from.status());
  TROUPE_TRY_LET(const auto bytes, (*from)->read(0, sizeof(promise_bytes)));
  promise_bytes b{};
  std::memcpy(&b, bytes.data(), bytes.size());
  const bool intact = b.magic == promise_magic && b.checksum == checksum_of(b);
  if (!intact || b.text_length > longest_text)
    return absl::DataLossError(absl::StrCat(path, " at offset 0: it is damaged"));
  if (b.version != format_version)
    return absl::UnimplementedError(
        absl::StrCat(path, ": unknown version ", b.version, ": a newer Troupe wrote it"));
  if (b.node != owner.node.value || b.incarnation != owner.incarnation)
    return absl::DataLossError(absl::StrCat(path, ": comes from another data directory"));
  return lost_entries{{{term(b.term), node_id(b.leader)}, log_index(b.index)},
                      std::string(b.text, b.text_length),
                      b.first};
}

absl::Status write_promise(env& files, const std::string& dir, const identity& owner,
                           const lost_entries& lost) {
  promise_bytes b{};
  b.magic = promise_magic;
  b.version = format_version;
  b.text_length = static_cast<uint32_t>(std::min(lost.where.size(), longest_text));
  b.node = owner.node.value;
  b.incarnation = owner.incarnation;
  b.term = lost.last.leader.in.value;
  b.leader = lost.last.leader.node.value;
  b.index = lost.last.index.value;
  b.first = lost.first;
  std::memcpy(b.text, lost.where.data(), b.text_length);
  b.checksum = checksum_of(b);
  const std::string path = dir + "/" + unfinished_name;
  TROUPE_TRY(remove_if_there(files, path));
  TROUPE_TRY_LET(auto to, files.open(path, open_mode::create));
  TROUPE_TRY(to->write(0, {reinterpret_cast<const char*>(&b), sizeof b}));
  TROUPE_TRY(to->sync());
  TROUPE_TRY(files.rename(path, dir + "/" + promise_file_name));
  return files.sync_dir(dir);
}

absl::Status remove_promise(env& files, const std::string& dir) {
  return files.remove(dir + "/" + promise_file_name);
}

}  // namespace troupe::storage
