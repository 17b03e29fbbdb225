#include "tools/kv/rocksdb_snapshot.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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
    rocksdb::DB& database, const std::string& dir,
    std::function<void(const absl::Status&)> on_damage) {
  const auto files = database.GetEnv()->GetFileSystem();
  if (auto s = remove_tree(*files, dir); !s.ok()) return s;
  auto source = std::unique_ptr<checkpoint_source>(
      new checkpoint_source(database, dir, std::move(on_damage)));
  // Tables come and go beside it: those of the checkpoint were there before, or are there after it.
  if (auto s = source->note_sums(database); !s.ok()) return s;
  rocksdb::Checkpoint* raw = nullptr;
  auto made = rocksdb::Checkpoint::Create(&database, &raw);
  const auto checkpoint = std::unique_ptr<rocksdb::Checkpoint>(raw);
  if (made.ok()) made = checkpoint->CreateCheckpoint(dir);
  if (!made.ok()) return status_of(made, dir);
  if (auto s = source->note_sums(database); !s.ok()) return s;
  auto names = list(*files, dir);
  if (!names.ok()) return names.status();
  for (auto& name : *names)
    if (is_name_of_database(name)) source->names_.push_back(std::move(name));
  return source;
}

checkpoint_source::checkpoint_source(rocksdb::DB& database, std::string dir,
                                     std::function<void(const absl::Status&)> on_damage)
    : files_(database.GetEnv()->GetFileSystem()),
      sums_of_(database.GetDBOptions().file_checksum_gen_factory),
      dir_(std::move(dir)),
      on_damage_(std::move(on_damage)) {}

checkpoint_source::~checkpoint_source() {
  file_ = nullptr;
  for (const auto& dir : {dir_, dir_ + ".tmp"})
    if (auto s = remove_tree(*files_, dir); !s.ok())
      TROUPE_EVENT(warn) << "what a snapshot was read from is not removed: " << s.message();
}

absl::Status checkpoint_source::note_sums(rocksdb::DB& database) {
  const auto list = std::unique_ptr<rocksdb::FileChecksumList>(rocksdb::NewFileChecksumList());
  std::vector<uint64_t> numbers;
  std::vector<std::string> sums, makers;
  auto s = database.GetLiveFilesChecksumInfo(list.get());
  if (s.ok()) s = list->GetAllFileChecksums(&numbers, &sums, &makers);
  for (size_t i = 0; i < numbers.size(); ++i)
    if (!sums[i].empty()) sums_[absl::StrFormat("%06d.sst", numbers[i])] = std::move(sums[i]);
  return status_of(s, dir_);
}

absl::StatusOr<std::string> checkpoint_source::next() {
  auto piece = read_piece();
  if (absl::IsDataLoss(piece.status())) on_damage_(piece.status());
  return piece;
}

absl::StatusOr<std::string> checkpoint_source::read_piece() {
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
  sum_ = sums_of_ && sums_.contains(name) ? sums_of_->CreateFileChecksumGenerator({}) : nullptr;
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
  if (sum_) sum_->Update(piece.data() + before, wanted);
  return left_ == 0 ? check_file() : absl::OkStatus();
}

absl::Status checkpoint_source::check_file() {
  if (!sum_) return absl::OkStatus();
  sum_->Finalize();
  const auto& name = names_[begun_ - 1];
  if (sum_->GetChecksum() == sums_[name]) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(dir_, "/", name, ": it is not what was written"));
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
