#include "tools/kv/rocksdb_machine.h"

#include "proto/trace.h"
#include "rocksdb/cache.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "tools/kv/rocksdb_error.h"
#include "tools/kv/rocksdb_files.h"
#include "tools/kv/rocksdb_snapshot.h"
#include "tools/kv/snapshot.h"

namespace troupe::kv {
namespace {

// Changes that are not in the database yet take no more, however much is applied at once.
constexpr size_t most_changes = 4 << 20;

}  // namespace

rocksdb::Options options_for_a_machine(const database_memory& memory) {
  rocksdb::Options o;
  o.write_buffer_size = memory.write_buffer;
  o.max_write_buffer_number = 2;
  o.level_compaction_dynamic_level_bytes = true;
  o.compression = rocksdb::kLZ4Compression;
  o.max_open_files = machine_files;
  o.bytes_per_sync = 1 << 20;
  // Most looks are for what is not there, or is in a table.
  o.memtable_whole_key_filtering = true;
  o.memtable_prefix_bloom_size_ratio = 0.02;
  // After an error nothing more is written: the log is applied again from what is there.
  o.max_bgerror_resume_count = 0;
  // A snapshot is read out of tables: they must be what was written.
  o.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_log_file_size = 1 << 20;
  o.keep_log_file_num = 4;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(memory.cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Indices and filters of any number of tables have their place in the cache and no other.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

// -- opening --------------------------------------------------------------------------------------

rocksdb_machine::rocksdb_machine(rocksdb_machine_options options)
    : options_(std::move(options)), files_(*options_.database.env->GetFileSystem()) {}

rocksdb_machine::~rocksdb_machine() = default;

absl::StatusOr<std::unique_ptr<rocksdb_machine>> rocksdb_machine::open(
    rocksdb_machine_options options) {
  auto opened = std::unique_ptr<rocksdb_machine>(new rocksdb_machine(std::move(options)));
  if (auto s = opened->tidy_up(); !s.ok()) return s;
  if (auto s = opened->open_state(); !s.ok()) return s;
  TROUPE_EVENT(info) << "the machine's database has all up to entry " << opened->applied();
  return opened;
}

// What a crash may have left. A state that was moved away says that the incoming one is whole.
absl::Status rocksdb_machine::tidy_up() {
  if (auto s = make_dir(files_, options_.dir); !s.ok()) return s;
  if (auto s = remove_damaged(); !s.ok()) return s;
  bool there[3] = {};
  const char* const names[3] = {"state", "old", "incoming"};
  for (size_t i = 0; i < 3; ++i) {
    const auto found = exists(files_, path(names[i]));
    if (!found.ok()) return found.status();
    there[i] = *found;
  }
  if (!there[0] && there[1] && there[2]) {
    if (auto s = rename(files_, path("incoming"), path("state")); !s.ok()) return s;
  }
  if (auto s = sync_dir(files_, options_.dir); !s.ok()) return s;
  for (const auto* left : {"checkpoint", "checkpoint.tmp", "incoming", "old"})
    if (auto s = remove_tree(files_, path(left)); !s.ok()) return s;
  return absl::OkStatus();
}

absl::Status rocksdb_machine::remove_damaged() {
  const auto found = exists(files_, path("damaged"));
  if (!found.ok() || !*found) return found.status();
  TROUPE_EVENT(warn) << "the machine's database was found to be damaged, and is made anew from "
                        "snapshot and log";
  if (auto s = remove_state(); !s.ok()) return s;
  return remove_tree(files_, path("damaged"));
}

// Durably: what comes in its place begins with nothing.
absl::Status rocksdb_machine::remove_state() {
  if (auto s = remove_tree(files_, path("state")); !s.ok()) return s;
  return sync_dir(files_, options_.dir);
}

absl::Status rocksdb_machine::open_state() {
  auto o = options_.database;
  o.create_if_missing = true;
  commands_ = nullptr;
  state_ = nullptr;
  auto opened = rocksdb_state::open(o, path("state"));
  std::string why;
  if (absl::IsDataLoss(opened.status()))
    why = std::string(opened.status().message());
  else if (opened.ok() && (*opened)->incarnation() != 0 &&
           (*opened)->incarnation() != options_.incarnation)
    why = path("state") + " belongs to another log";
  if (!why.empty()) {
    TROUPE_EVENT(warn) << "the machine's database is thrown away, and made anew from snapshot and "
                          "log: "
                       << why;
    opened = absl::UnknownError("closed");
    if (auto s = remove_state(); !s.ok()) return s;
    opened = rocksdb_state::open(o, path("state"));
  }
  if (!opened.ok()) return opened.status();
  state_ = *std::move(opened);
  state_->set_incarnation(options_.incarnation);
  commands_ = std::make_unique<commands>(state_->data(), state_->known());
  return absl::OkStatus();
}

absl::Status rocksdb_machine::start_anew() {
  commands_ = nullptr;
  state_ = nullptr;
  if (auto s = remove_state(); !s.ok()) return s;
  return open_state();
}

// -- commands -------------------------------------------------------------------------------------

void rocksdb_machine::apply(log_index first, frames_view batch, frames& results) {
  watch_for_damage([&] {
    for (const std::string_view bytes : batch) {
      commands_->apply(bytes, results);
      if (state_->data().changed_bytes() > most_changes) state_->commit(first);
      first = first.next();
    }
    if (!batch.empty()) state_->commit(first - 1);
  });
}

void rocksdb_machine::query(std::string_view question, frames& results) {
  watch_for_damage([&] { commands_->query(question, results); });
}

void rocksdb_machine::skip(log_index last) {
  watch_for_damage([&] { state_->commit(last); });
}

// The node ends with it. Without a note the next start would meet it again.
template <class Call>
void rocksdb_machine::watch_for_damage(Call call) {
  if (!damage_.empty()) throw_damaged(path("state"), damage_);
  try {
    call();
  } catch (const rocksdb_damage& e) {
    note_damage(e.what());
    throw;
  }
}

void rocksdb_machine::note_damage(const std::string& why) {
  damage_ = why;
  auto noted = make_dir(files_, path("damaged"));
  if (noted.ok()) noted = sync_dir(files_, options_.dir);
  if (!noted.ok())
    TROUPE_EVENT(warn) << "cannot note that the database is damaged: " << noted.message();
}

// -- snapshots ------------------------------------------------------------------------------------

// Room that only the flush of a checkpoint would take is better left to what must be written.
bool rocksdb_machine::has_room() const {
  uint64_t free = 0;
  if (!files_.GetFreeSpace(options_.dir, {}, &free, nullptr).ok()) return true;
  return free > 2 * options_.database.write_buffer_size;
}

std::unique_ptr<snapshot_source> rocksdb_machine::begin_snapshot() {
  const auto on_damage = [this](const absl::Status& why) {
    note_damage(std::string(why.message()));
  };
  auto source = has_room()
                    ? checkpoint_source::begin(state_->database(), path("checkpoint"), on_damage)
                    : absl::ResourceExhaustedError("the disk is full");
  if (source.ok()) return *std::move(source);
  if (absl::IsDataLoss(source.status())) on_damage(source.status());
  TROUPE_EVENT(warn) << "the machine cannot begin a snapshot: " << source.status().message();
  return nullptr;
}

absl::Status rocksdb_machine::restore(snapshot_source& from) {
  // In this order: a state that was moved away says that an incoming one is whole.
  for (const auto* left : {"old", "incoming"})
    if (auto s = remove_tree(files_, path(left)); !s.ok()) return s;
  if (auto s = receive(from); !s.ok()) return s;
  if (auto s = swap(); !s.ok()) return s;
  return open_state();
}

// Durable, and a state of this node's log, before anything happens to the old one.
absl::Status rocksdb_machine::receive(snapshot_source& from) {
  taker in(from);
  const std::string magic(in.bytes(magic_bytes));
  if (!in.status().ok()) return in.status();
  if (magic != files_magic && magic != pairs_magic) return unknown_snapshot();
  if (auto s = make_dir(files_, path("incoming")); !s.ok()) return s;
  auto o = options_.database;
  o.create_if_missing = magic == pairs_magic;
  if (magic == files_magic) {
    if (auto s = take_files(in, files_, path("incoming")); !s.ok()) return s;
  }
  auto opened = rocksdb_state::open(o, path("incoming"));
  if (!opened.ok()) return opened.status();
  auto& state = **opened;
  if (magic == pairs_magic) {
    const auto stored = [&] {
      if (state.data().changed_bytes() > most_changes) state.commit({});
    };
    if (auto s = restore_pairs(in, state.data(), state.known(), stored); !s.ok()) return s;
  }
  if (from.last() && state.applied() > from.last())
    return absl::DataLossError("its state is one of behind its end");
  state.set_incarnation(options_.incarnation);
  state.commit(std::max(state.applied(), from.last()));
  return state.flush();
}

absl::Status rocksdb_machine::swap() {
  commands_ = nullptr;
  state_ = nullptr;
  damage_.clear();
  for (const auto* closed : {"state", "incoming"})
    if (auto s = sync_dir(files_, path(closed)); !s.ok()) return s;
  if (auto s = rename(files_, path("state"), path("old")); !s.ok()) return s;
  if (auto s = rename(files_, path("incoming"), path("state")); !s.ok()) return s;
  if (auto s = sync_dir(files_, options_.dir); !s.ok()) return s;
  if (auto s = remove_tree(files_, path("damaged")); !s.ok()) return s;
  return remove_tree(files_, path("old"));
}

}  // namespace troupe::kv
