#include "tools/kv/rocksdb_snapshot.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/trace.h"
#include "rocksdb/utilities/checkpoint.h"
#include "tools/kv/rocksdb_error.h"
#include "tools/kv/rocksdb_files.h"
#include "tools/kv/snapshot.h"

namespace troupe::kv {
namespace {

enum class tag : uint8_t { file = 1, end = 2 };

bool all_digits(absl::string_view text) {
  return !text.empty() && text.size() <= 20 && std::ranges::all_of(text, absl::ascii_isdigit);
}

}  // namespace

bool is_name_of_database(std::string_view name) {
  absl::string_view rest(name.data(), name.size());
  if (rest == "CURRENT") return true;
  if (absl::ConsumePrefix(&rest, "MANIFEST-") || absl::ConsumeSuffix(&rest, ".sst"))
    return all_digits(rest);
  return false;
}

// -- giving ---------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<checkpoint_source>> checkpoint_source::begin(
    rocksdb::DB& database, const std::string& dir) {
  const auto files = database.GetEnv()->GetFileSystem();
  if (auto s = remove_tree(*files, dir); !s.ok()) return s;
  rocksdb::Checkpoint* raw = nullptr;
  auto made = rocksdb::Checkpoint::Create(&database, &raw);
  const auto checkpoint = std::unique_ptr<rocksdb::Checkpoint>(raw);
  if (made.ok()) made = checkpoint->CreateCheckpoint(dir);
  auto source = std::unique_ptr<checkpoint_source>(new checkpoint_source(files, dir));
  if (!made.ok()) return status_of(made, dir);
  auto names = list(*files, dir);
  if (!names.ok()) return names.status();
  for (auto& name : *names)
    if (is_name_of_database(name)) source->names_.push_back(std::move(name));
  return source;
}

checkpoint_source::checkpoint_source(std::shared_ptr<rocksdb::FileSystem> files, std::string dir)
    : files_(std::move(files)), dir_(std::move(dir)) {}

checkpoint_source::~checkpoint_source() {
  file_ = nullptr;
  for (const auto& dir : {dir_, dir_ + ".tmp"})
    if (auto s = remove_tree(*files_, dir); !s.ok())
      TROUPE_EVENT(warn) << "what a snapshot was read from is not removed: " << s.message();
}

absl::StatusOr<std::string> checkpoint_source::next() {
  std::string piece;
  if (ended_) return piece;
  piece.reserve(piece_bytes + 256);
  if (begun_ == 0 && !file_) piece += files_magic;
  while (piece.size() < piece_bytes) {
    if (left_ > 0) {
      if (auto s = add_bytes(piece); !s.ok()) return s;
    } else if (begun_ < names_.size()) {
      if (auto s = begin_file(names_[begun_++], piece); !s.ok()) return s;
    } else {
      put_number(piece, tag::end);
      put_number(piece, uint64_t{names_.size()});
      ended_ = true;
      break;
    }
  }
  return piece;
}

absl::Status checkpoint_source::begin_file(const std::string& name, std::string& piece) {
  const auto path = dir_ + "/" + name;
  auto s = files_->NewSequentialFile(path, {}, &file_, nullptr);
  if (s.ok()) s = files_->GetFileSize(path, {}, &left_, nullptr);
  put_number(piece, tag::file);
  put_number(piece, static_cast<uint32_t>(name.size()));
  put_number(piece, left_);
  piece += name;
  return status_of(s, path);
}

absl::Status checkpoint_source::add_bytes(std::string& piece) {
  const size_t wanted = std::min<uint64_t>(left_, piece_bytes - piece.size());
  const size_t before = piece.size();
  piece.resize(before + wanted);
  rocksdb::Slice bytes;
  const auto s = file_->Read(wanted, {}, &bytes, piece.data() + before, nullptr);
  if (!s.ok()) return status_of(s, dir_);
  if (bytes.size() != wanted) return absl::DataLossError(dir_ + ": a file is too short");
  if (bytes.data() != piece.data() + before) piece.replace(before, wanted, bytes.ToStringView());
  left_ -= wanted;
  return absl::OkStatus();
}

// -- taking ---------------------------------------------------------------------------------------

namespace {

absl::Status take_file(taker& from, uint64_t size, rocksdb::FileSystem& files,
                       const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> to;
  auto s = files.NewWritableFile(path, {}, &to, nullptr);
  for (uint64_t left = size; s.ok() && left > 0;) {
    const auto bytes = from.bytes(std::min<uint64_t>(left, piece_bytes));
    if (!from.status().ok()) return from.status();
    s = to->Append({bytes.data(), bytes.size()}, {}, nullptr);
    left -= bytes.size();
  }
  if (s.ok()) s = to->Sync({}, nullptr);
  if (s.ok()) s = to->Close({}, nullptr);
  return status_of(s, path);
}

}  // namespace

absl::Status take_files(taker& from, rocksdb::FileSystem& files, const std::string& dir) {
  std::set<std::string> names;
  while (from.status().ok()) {
    const auto next = tag(from.number<uint8_t>());
    if (next == tag::end) {
      if (from.number<uint64_t>() != names.size()) from.fail("it does not have all its files");
      from.expect_end();
      break;
    }
    const auto length = from.number<uint32_t>();
    const auto size = from.number<uint64_t>();
    if (next != tag::file || length > 64) from.fail("what is no file and no end");
    const std::string name(from.bytes(from.status().ok() ? length : 0));
    if (!is_name_of_database(name) || !names.insert(name).second)
      from.fail("a file with a name that none can have: " + name);
    if (!from.status().ok()) break;
    if (auto s = take_file(from, size, files, dir + "/" + name); !s.ok()) return s;
  }
  if (!from.status().ok()) return from.status();
  return sync_dir(files, dir);
}

}  // namespace troupe::kv
