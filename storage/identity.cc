#include "storage/identity.h"

#include <cstring>
#include <memory>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t identity_magic = 0x4449'4550'554f'5254;  // "TROUPEID"
constexpr uint32_t format_version = 1;

struct identity_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;  // none yet
  uint64_t node;
  uint64_t incarnation;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(identity_bytes) == 40);

uint64_t checksum_of(const identity_bytes& b) {
  return XXH3_64bits(&b, offsetof(identity_bytes, checksum));
}

std::string encode(const identity& id) {
  identity_bytes b{identity_magic, format_version, 0, id.node.value, id.incarnation, 0};
  b.checksum = checksum_of(b);
  return std::string(reinterpret_cast<const char*>(&b), sizeof b);
}

}  // namespace

absl::StatusOr<std::optional<identity>> read_identity(env& files, const std::string& dir) {
  const std::string path = dir + "/" + identity_file;
  auto from = files.open(path, open_mode::existing);
  if (absl::IsNotFound(from.status())) return std::nullopt;
  TROUPE_TRY(from.status());
  (*from)->uncache(0, sizeof(identity_bytes));
  TROUPE_TRY_LET(const auto bytes, (*from)->read(0, sizeof(identity_bytes)));
  identity_bytes b{};
  std::memcpy(&b, bytes.data(), bytes.size());
  if (b.magic != identity_magic || b.checksum != checksum_of(b))
    return absl::DataLossError(absl::StrCat(path, " at offset 0: the identity is damaged"));
  if (b.version != format_version || b.flags != 0)
    return absl::UnimplementedError(absl::StrCat(path, " at offset 0: unknown version ", b.version,
                                                 " (flags ", b.flags,
                                                 "): a newer Troupe wrote it"));
  return identity{node_id(b.node), b.incarnation};
}

absl::Status begin_identity(env& files, const std::string& dir, const identity& id) {
  const std::string path = dir + "/" + unfinished_identity_file;
  auto to = files.open(path, open_mode::existing);
  if (absl::IsNotFound(to.status())) to = files.open(path, open_mode::create);
  TROUPE_TRY(to.status());
  TROUPE_TRY((*to)->write(0, encode(id)));
  TROUPE_TRY((*to)->sync());
  return files.sync_dir(dir);
}

absl::Status finish_identity(env& files, const std::string& dir) {
  TROUPE_TRY(files.rename(dir + "/" + unfinished_identity_file, dir + "/" + identity_file));
  return files.sync_dir(dir);
}

}  // namespace troupe::storage
