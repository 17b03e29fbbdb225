#include "storage/snapshot_store.h"

#include <algorithm>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "proto/trace.h"
#include "storage/files.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr const char* complete = ".snapshot";
constexpr const char* unfinished = ".part";
constexpr const char* aside = ".damaged";
constexpr const char* beginning = "beginning";

// In the order of their names the newest is the last.
std::string name_of(const log_id& last) {
  return absl::StrFormat("%020d-%020d-%020d", last.index.value, last.leader.in.value,
                         last.leader.node.value);
}

std::optional<log_id> parse_name(absl::string_view name) {
  if (!absl::ConsumeSuffix(&name, complete) && !absl::ConsumeSuffix(&name, aside))
    return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '-');
  uint64_t n[3] = {};
  if (parts.size() != 3) return std::nullopt;
  for (size_t i = 0; i < 3; ++i)
    if (parts[i].size() != 20 || !absl::SimpleAtoi(parts[i], &n[i])) return std::nullopt;
  return log_id{{term(n[1]), node_id(n[2])}, log_index(n[0])};
}

stored_snapshot describe(const snapshot_reader& from, const std::string& path) {
  return {from.meta(), path, from.name()};
}

}  // namespace

absl::StatusOr<log_id> newest_by_name(env& files, const std::string& dir) {
  const auto names = files.list(dir);
  if (absl::IsNotFound(names.status())) return log_id{};
  if (!names.ok()) return names.status();
  log_id newest;
  for (const auto& name : *names)
    if (const auto id = parse_name(name); id && id->index > newest.index) newest = *id;
  return newest;
}

absl::Status snapshot_part::add(std::string_view bytes) {
  TROUPE_TRY(file_->write(size_, bytes));
  size_ += bytes.size();
  if (size_ - synced_ < snapshot_writer::sync_distance) return absl::OkStatus();
  synced_ = size_;
  return file_->sync();
}

absl::StatusOr<std::unique_ptr<snapshot_store>> snapshot_store::open(env& files,
                                                                     const std::string& dir) {
  TROUPE_TRY(files.create_dirs(dir));
  auto opened = std::unique_ptr<snapshot_store>(new snapshot_store(files, dir));
  TROUPE_TRY_LET(auto names, files.list(dir));
  std::ranges::sort(names, std::greater());
  TROUPE_TRY(opened->read_beginning());
  for (const auto& name : names)
    if (parse_name(name) && !opened->newest_) TROUPE_TRY(opened->look_at(dir + "/" + name));
  const auto& known = opened->beginning_;
  const auto& newest = opened->newest_;
  const bool is_there =
      !known || (newest && newest->meta.last.last.index >= known->last.last.index);
  if (!is_there && !opened->damaged_)
    opened->damaged_ = {absl::StrCat(opened->path_of(known->last.last), ": it is missing"), known};
  TROUPE_TRY(opened->tidy_up());
  // Nobody waits for a sync yet, and the disk may be full.
  opened->removed_.free_all();
  return opened;
}

absl::Status snapshot_store::read_beginning() {
  const auto found = snapshot_reader::read_header_of(files_, absl::StrCat(dir_, "/", beginning));
  if (found.ok()) beginning_ = *found;
  return absl::IsNotFound(found.status()) || absl::IsDataLoss(found.status()) ? absl::OkStatus()
                                                                              : found.status();
}

absl::Status snapshot_store::write_beginning(const snapshot_meta& meta) {
  if (beginning_ == meta) return absl::OkStatus();
  const auto path = absl::StrCat(dir_, "/", beginning), part = path + unfinished;
  TROUPE_TRY(remove_if_there(files_, part));
  TROUPE_TRY(snapshot_writer::write_header(files_, part, meta));
  TROUPE_TRY(files_.rename(part, path));
  TROUPE_TRY(files_.sync_dir(dir_));
  beginning_ = meta;
  return absl::OkStatus();
}

// Is it the newest?
absl::Status snapshot_store::look_at(const std::string& path) {
  const bool set_aside_before = absl::EndsWith(path, aside);
  auto from = snapshot_reader::open(files_, path);
  if (from.ok() && beginning_ && (*from)->meta().cluster != beginning_->cluster)
    return absl::FailedPreconditionError(
        absl::StrCat(path, " and ", dir_, "/", beginning,
                     " are of two clusters; move away the one that is not this node's"));
  if (from.ok() && !absl::StrContains(path, name_of((*from)->meta().last.last)))
    from = absl::DataLossError(absl::StrCat(path, " at offset 0: this is another snapshot"));
  const bool damaged = absl::IsDataLoss(from.status()) || set_aside_before;
  if (!from.ok() && !damaged) return from.status();
  if (from.ok() && !set_aside_before) {
    newest_ = describe(**from, path);
    TROUPE_EVENT(info) << "the newest snapshot is " << path << ", of " << (*from)->size()
                       << " bytes";
    return absl::OkStatus();
  }
  damaged_snapshot what{absl::StrCat(path, ": it was found to be damaged"), beginning_};
  if (from.ok()) what.meta = (*from)->meta();
  if (!set_aside_before) what.why = std::string(from.status().message());
  if (!damaged_) damaged_ = std::move(what);
  return set_aside_before ? absl::OkStatus() : rename_aside(path);
}

// A name that is not durable yet becomes so here, before anything that it replaces is removed.
absl::Status snapshot_store::tidy_up() {
  TROUPE_TRY(files_.sync_dir(dir_));
  // While one that is newer is missed, this tells of that one.
  if (!damaged_) copy_header();
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  bool removed = false;
  for (const auto& name : names) {
    const auto path = dir_ + "/" + name;
    const auto id = parse_name(name);
    const bool other = newest_ && path != newest_->path && id;
    const bool superseded = other && (!damaged_ || path < newest_->path);
    if (!superseded && !absl::EndsWith(name, unfinished)) continue;
    const auto readers = id ? readers_[*id] : std::weak_ptr<const void>();
    TROUPE_TRY(removed_.add(files_, path, readers));
    if (id) readers_.erase(*id);
    removed = true;
  }
  // Durably: where an older one came back, the log may begin behind it.
  return removed ? files_.sync_dir(dir_) : absl::OkStatus();
}

// It is a second copy, so a full disk is in nobody's way.
void snapshot_store::copy_header() {
  if (!newest_) return;
  if (const auto s = write_beginning(newest_->meta); !s.ok())
    TROUPE_EVENT(warn) << "the newest snapshot's header is not written twice: " << s.message();
}

absl::StatusOr<std::unique_ptr<snapshot_reader>> snapshot_store::read() {
  if (!newest_) return absl::NotFoundError(absl::StrCat(dir_, ": there is no snapshot"));
  auto& known = readers_[newest_->meta.last.last];
  auto readers = known.lock();
  if (!readers) known = readers = std::make_shared<char>();
  return snapshot_reader::open(files_, newest_->path, std::move(readers));
}

absl::Status snapshot_store::rename_aside(const std::string& path) {
  const auto other = absl::StrCat(absl::StripSuffix(path, complete), aside);
  TROUPE_EVENT(warn) << damaged_->why << "; it is set aside as " << other;
  TROUPE_TRY(files_.rename(path, other));
  return files_.sync_dir(dir_);
}

absl::Status snapshot_store::set_aside(const std::string& why) {
  if (!newest_) return absl::OkStatus();
  const auto was = *std::exchange(newest_, std::nullopt);
  damaged_ = {why, was.meta};
  return rename_aside(was.path);
}

std::string snapshot_store::path_of(const log_id& last) const {
  return absl::StrCat(dir_, "/", name_of(last), complete);
}

std::string snapshot_store::part_of(const log_id& last) const {
  return absl::StrCat(dir_, "/", name_of(last), unfinished);
}

absl::StatusOr<std::unique_ptr<snapshot_writer>> snapshot_store::begin(const snapshot_meta& meta) {
  TROUPE_TRY(give_up());
  begun_ = meta.last.last;
  return snapshot_writer::create(files_, part_of(*begun_), meta);
}

absl::StatusOr<std::unique_ptr<snapshot_part>> snapshot_store::receive(const snapshot_name& name) {
  TROUPE_TRY(give_up());
  begun_ = name.last;
  TROUPE_TRY_LET(auto to, files_.open(part_of(*begun_), open_mode::create));
  return std::make_unique<snapshot_part>(std::move(to));
}

absl::StatusOr<snapshot_meta> snapshot_store::verify(const snapshot_name& name) const {
  const auto path = part_of(name.last);
  TROUPE_TRY_LET(const auto received, snapshot_reader::open(files_, path));
  if (received->name() != name)
    return absl::DataLossError(absl::StrCat(path, " at offset 0: this is another snapshot"));
  TROUPE_TRY(received->verify());
  return received->meta();
}

absl::Status snapshot_store::give_up() {
  if (!begun_) return absl::OkStatus();
  const auto path = part_of(*begun_);
  begun_.reset();
  const auto gone = removed_.add(files_, path);
  return absl::IsNotFound(gone) ? absl::OkStatus() : gone;
}

absl::Status snapshot_store::keep() {
  if (!begun_) return absl::FailedPreconditionError(absl::StrCat(dir_, ": none was begun"));
  const auto path = path_of(*begun_);
  TROUPE_TRY(files_.rename(part_of(*begun_), path));
  TROUPE_TRY(files_.sync_dir(dir_));
  begun_.reset();
  TROUPE_TRY_LET(const auto kept, snapshot_reader::open(files_, path));
  newest_ = describe(*kept, path);
  damaged_.reset();
  TROUPE_EVENT(info) << "kept the snapshot " << path << ", of " << kept->size() << " bytes";
  return tidy_up();
}

}  // namespace troupe::storage
