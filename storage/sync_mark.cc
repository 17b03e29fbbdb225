#include "storage/sync_mark.h"

#include <cstring>

#include <absl/strings/str_cat.h>
#include <xxhash.h>

#include "storage/rocksdb_records.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr uint64_t mark_magic = 0x4b4d'4550'554f'5254;  // "TROUPEMK"

struct mark_bytes {
  uint64_t magic;
  uint64_t incarnation;
  uint64_t number;
  uint64_t tail;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(mark_bytes) == 40);

uint64_t checksum_of(const mark_bytes& b) {
  return XXH3_64bits(&b, offsetof(mark_bytes, checksum));
}

std::string encode(uint64_t incarnation, uint64_t number, log_index tail) {
  mark_bytes b{mark_magic, incarnation, number, tail.value, 0};
  b.checksum = checksum_of(b);
  return std::string(reinterpret_cast<const char*>(&b), sizeof b);
}

std::string dir_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

sync_mark::sync_mark(std::string path, std::unique_ptr<rocksdb::FSRandomRWFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

absl::StatusOr<std::unique_ptr<sync_mark>> sync_mark::create(rocksdb::FileSystem& files,
                                                             const std::string& path,
                                                             uint64_t incarnation) {
  constexpr bool synced = true;
  TROUPE_TRY(status_of(rocksdb::WriteStringToFile(&files, encode(incarnation, 0, {}), path, synced),
                       path));
  std::unique_ptr<rocksdb::FSDirectory> dir;
  TROUPE_TRY(status_of(files.NewDirectory(dir_of(path), {}, &dir, nullptr), path));
  TROUPE_TRY(status_of(dir->Fsync({}, nullptr), path));
  return open(files, path);
}

absl::StatusOr<std::unique_ptr<sync_mark>> sync_mark::open(rocksdb::FileSystem& files,
                                                           const std::string& path) {
  if (const auto found = files.FileExists(path, {}, nullptr); found.IsNotFound())
    return absl::NotFoundError(absl::StrCat(path, ": it is missing"));
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  TROUPE_TRY(status_of(files.NewRandomRWFile(path, {}, &file, nullptr), path));
  char room[sizeof(mark_bytes)];
  rocksdb::Slice bytes;
  TROUPE_TRY(status_of(file->Read(0, sizeof room, {}, &bytes, room, nullptr), path));
  mark_bytes b{};
  std::memcpy(&b, bytes.data(), bytes.size());
  if (b.magic != mark_magic || b.checksum != checksum_of(b))
    return absl::DataLossError(absl::StrCat(path, " at offset 0: the mark is damaged"));
  auto mark = std::unique_ptr<sync_mark>(new sync_mark(path, std::move(file)));
  mark->incarnation_ = b.incarnation;
  mark->number_ = b.number;
  mark->tail_ = log_index(b.tail);
  return mark;
}

absl::Status sync_mark::move_to(uint64_t number, log_index tail) {
  number_ = number;
  tail_ = tail;
  return status_of(file_->Write(0, encode(incarnation_, number, tail), {}, nullptr), path_);
}

}  // namespace troupe::storage
