// Snapshots on the disk: whole or not there, and never another one's bytes.
#include <random>

#include <gtest/gtest.h>
#include <xxhash.h>

#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/snapshot_store.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

snapshot_meta meta_at(uint64_t index) {
  return {{{leader_of(3, 2), log_index(index)}, 4711}, {leader_of(2), log_index(5)}, "members", 99};
}

std::string random_bytes(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(count, 0);
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

absl::Status write_snapshot(snapshot_store& store, const snapshot_meta& meta,
                            const std::string& state, size_t piece = 1000) {
  auto to = store.begin(meta);
  if (!to.ok()) return to.status();
  for (size_t at = 0; at < state.size(); at += piece)
    if (auto s = (*to)->add(state.substr(at, piece)); !s.ok()) return s;
  if (auto s = (*to)->finish(); !s.ok()) return s;
  return store.keep();
}

absl::StatusOr<std::string> read_snapshot(snapshot_reader& from) {
  std::string state;
  for (;;) {
    const auto block = from.next();
    if (!block.ok()) return block.status();
    if (block->empty()) return state;
    state += *block;
  }
}

class snapshot_test : public testing::Test {
 protected:
  snapshot_test() { open(); }

  absl::Status try_open() {
    store_.reset();
    auto opened = snapshot_store::open(files_, "snapshots");
    if (opened.ok()) store_ = *std::move(opened);
    return opened.status();
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  absl::StatusOr<std::string> state() {
    const auto from = store_->read();
    return from.ok() ? read_snapshot(**from) : from.status();
  }
  // But for the one that tells what the newest one's header does.
  size_t files() { return files_.list("snapshots").value().size() - 1; }
  void forget_beginning() { ASSERT_TRUE(files_.remove("snapshots/beginning").ok()); }

  memory_env files_;
  std::unique_ptr<snapshot_store> store_;
};

TEST_F(snapshot_test, at_first_there_is_none) {
  EXPECT_FALSE(store_->newest().has_value());
  EXPECT_TRUE(absl::IsNotFound(state().status()));
}

TEST_F(snapshot_test, what_was_written_is_read_again) {
  const size_t block = snapshot_writer::block_size;
  uint64_t index = 10;
  for (const size_t size : {size_t{0}, size_t{1}, block - 1, block, block + 1, 5 * block / 2}) {
    const auto bytes = random_bytes(size, size);
    ASSERT_TRUE(write_snapshot(*store_, meta_at(++index), bytes, 1 + size / 3).ok());
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(store_->newest().has_value());
      EXPECT_EQ(store_->newest()->meta, meta_at(index));
      const auto found = state();
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_TRUE(*found == bytes);
      open();
    }
    EXPECT_EQ(files(), 1u) << "older ones are removed";
  }
}

TEST_F(snapshot_test, the_newest_is_the_one_with_the_greatest_index) {
  for (const uint64_t index : {9, 10, 100}) {
    ASSERT_TRUE(write_snapshot(*store_, meta_at(index), "x").ok());
    open();
    EXPECT_EQ(store_->newest()->meta.last.last.index, log_index(index));
  }
}

TEST_F(snapshot_test, one_that_was_not_finished_counts_for_nothing) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "seven").ok());
  const auto to = store_->begin(meta_at(8));
  ASSERT_TRUE((*to)->add("eight").ok());
  EXPECT_EQ(store_->newest()->meta, meta_at(7));
  open();
  EXPECT_EQ(state().value(), "seven");
  EXPECT_EQ(files(), 1u);
  ASSERT_TRUE(store_->begin(meta_at(8)).ok());
  ASSERT_TRUE(store_->give_up().ok());
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->keep()));
}

TEST_F(snapshot_test, who_reads_the_old_one_reads_it_to_its_end) {
  const auto bytes = random_bytes(600'000, 1);
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), bytes, 5000).ok());
  const auto from = *store_->read();
  ASSERT_TRUE(from->next().ok());
  ASSERT_TRUE(write_snapshot(*store_, meta_at(8), "new").ok());
  const auto rest = read_snapshot(*from);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_TRUE(*rest == bytes.substr(snapshot_writer::block_size));
}

TEST_F(snapshot_test, every_flipped_bit_is_noticed_with_its_file_and_offset) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), random_bytes(3000, 1)).ok());
  const auto [meta, path, name] = *store_->newest();
  for (uint64_t at = 0; at < name.size; ++at) {
    flip_bit(files_, path, at, static_cast<int>(at % 8));
    auto noticed = store_->read().status();
    if (noticed.ok()) noticed = state().status();
    EXPECT_TRUE(absl::IsDataLoss(noticed)) << at << noticed;
    EXPECT_EQ(noticed.message().find(path + " at offset "), 0u) << noticed;
    flip_bit(files_, path, at, static_cast<int>(at % 8));
  }
  open();
  EXPECT_TRUE(state().ok());
}

TEST_F(snapshot_test, one_with_a_damaged_header_is_set_aside_until_there_is_another) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  const auto path = store_->newest()->path;
  flip_bit(files_, path, 30, 2);
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_FALSE(store_->newest());
    EXPECT_EQ(store_->damaged()->meta, meta_at(7)) << "that is written twice";
    EXPECT_EQ(store_->damaged()->why.find(i == 0 ? path + " at offset " : "snapshots/"), 0u);
    EXPECT_EQ(newest_by_name(files_, "snapshots").value(), meta_at(7).last.last);
  }
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "y").ok());
  EXPECT_EQ(state().value(), "y");
  EXPECT_FALSE(store_->damaged());
  EXPECT_EQ(files(), 1u);
}

TEST_F(snapshot_test, of_one_that_is_gone_or_has_another_name_is_known_what_it_was) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  const auto path = store_->newest()->path;
  auto other = path;
  other.replace(path.find('7'), 1, "8");
  ASSERT_TRUE(files_.rename(path, other).ok());
  open();
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->why, other + " at offset 0: this is another snapshot");
  EXPECT_EQ(store_->damaged()->meta, meta_at(7));
  ASSERT_TRUE(files_.remove(other.substr(0, other.find('.')) + ".damaged").ok());
  open();
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->why, path + ": it is missing");
  EXPECT_EQ(store_->damaged()->meta, meta_at(7));
}

// As the versions before left it, or with one of the two damaged.
TEST_F(snapshot_test, what_is_written_twice_is_made_whole_from_the_other) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  forget_beginning();
  open();
  flip_bit(files_, "snapshots/beginning", 30, 2);
  open();
  EXPECT_EQ(state().value(), "x");
  flip_bit(files_, store_->newest()->path, 30, 2);
  open();
  EXPECT_EQ(store_->damaged()->meta, meta_at(7));
}

TEST_F(snapshot_test, without_room_for_it_the_newest_serves_all_the_same) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  forget_beginning();
  files_.set_capacity(files_.used());
  open();
  EXPECT_EQ(state().value(), "x");
}

TEST_F(snapshot_test, one_of_another_cluster_is_refused_and_nothing_is_changed) {
  for (const bool is_newer : {true, false}) {
    SCOPED_TRACE(is_newer);
    ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
    const auto own = store_->newest()->path;
    auto foreign = meta_at(is_newer ? 8 : 7);
    foreign.cluster += 1;
    const auto path = is_newer ? "snapshots/" + own.substr(10).replace(19, 1, "8") : own;
    ASSERT_TRUE(is_newer || files_.remove(own).ok());
    const auto to = *snapshot_writer::create(files_, path, foreign);
    ASSERT_TRUE(to->finish().ok());
    const auto before = files_.list("snapshots").value();
    const auto refused = try_open();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_EQ(refused.message().find(path), 0u) << refused;
    EXPECT_EQ(files_.list("snapshots").value(), before);
    ASSERT_TRUE(files_.remove(path).ok());
    open();
  }
}

TEST_F(snapshot_test, the_header_of_one_that_was_set_aside_still_tells_what_it_was) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  ASSERT_TRUE(store_->set_aside("it is damaged").ok());
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->why, "it is damaged");
  EXPECT_TRUE(absl::IsNotFound(store_->read().status()));
  open();
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->meta, meta_at(7));
}

// The power failed before the older one was removed.
TEST_F(snapshot_test, an_older_one_that_is_whole_serves_where_the_newest_is_damaged) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(6), "old").ok());
  const auto old = files_.open(store_->newest()->path, open_mode::existing);
  const auto bytes = (*old)->read(0, (*(*old)->size())).value();
  const auto old_path = store_->newest()->path;
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  ASSERT_TRUE((*files_.open(old_path, open_mode::create))->write(0, bytes).ok());
  flip_bit(files_, store_->newest()->path, 30, 2);
  open();
  EXPECT_EQ(state().value(), "old");
}

TEST_F(snapshot_test, looking_through_it_ends_when_nobody_wants_it_any_more) {
  const size_t block = snapshot_writer::block_size;
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), random_bytes(4 * block, 1), block).ok());
  const auto from = *store_->read();
  int asked = 0;
  EXPECT_TRUE(absl::IsCancelled(from->verify([&] { return ++asked < 3; })));
  EXPECT_EQ(asked, 3);
}

TEST_F(snapshot_test, every_cut_and_every_addition_is_noticed) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), random_bytes(3000, 1)).ok());
  const auto path = store_->newest()->path;
  const auto file = *files_.open(path, open_mode::existing);
  const auto whole = *file->read(0, *file->size());
  for (size_t length = 0; length < whole.size(); ++length) {
    ASSERT_TRUE(file->truncate(length).ok());
    auto noticed = store_->read().status();
    if (noticed.ok()) noticed = state().status();
    EXPECT_TRUE(absl::IsDataLoss(noticed)) << length << noticed;
    ASSERT_TRUE(file->write(0, whole).ok());
  }
  ASSERT_TRUE(file->write(whole.size(), "x").ok());
  open();
  EXPECT_TRUE(absl::IsDataLoss(state().status()));
}

// Blocks of the same size, one from each of two snapshots.
TEST_F(snapshot_test, a_block_of_another_snapshot_is_noticed) {
  const size_t block = snapshot_writer::block_size;
  std::string contents[2];
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(write_snapshot(*store_, meta_at(7 + i), random_bytes(2 * block, i), block).ok());
    const auto file = *files_.open(store_->newest()->path, open_mode::existing);
    contents[i] = *file->read(0, *file->size());
  }
  const auto file = *files_.open(store_->newest()->path, open_mode::existing);
  const size_t begin = contents[1].size() - 24 - (24 + block);
  ASSERT_TRUE(file->write(begin, contents[0].substr(begin, 24 + block)).ok());
  EXPECT_TRUE(absl::IsDataLoss(state().status()));
}

TEST_F(snapshot_test, another_version_is_refused_and_not_taken_for_damage) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  const auto file = *files_.open(store_->newest()->path, open_mode::existing);
  auto header = *file->read(0, 88 + meta_at(7).membership.size());
  header[8] = 2;
  const uint64_t checksum = XXH3_64bits(header.data(), header.size());
  ASSERT_TRUE(file->write(0, header).ok());
  ASSERT_TRUE(file->write(header.size(), {reinterpret_cast<const char*>(&checksum), 8}).ok());
  EXPECT_TRUE(absl::IsUnimplemented(try_open()));
}

TEST_F(snapshot_test, a_copy_is_kept_when_it_is_the_one_that_was_named) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), random_bytes(600'000, 1), 5000).ok());
  const auto name = store_->newest()->name;
  const auto whole = *(*store_->read())->raw(0, name.size);
  memory_env elsewhere;
  const auto store = *snapshot_store::open(elsewhere, "snapshots");
  const auto receive = [&](const snapshot_name& named, const std::string& bytes) {
    const auto part = *store->receive(named);
    for (size_t at = 0; at < bytes.size(); at += 100'000)
      EXPECT_TRUE(part->add(bytes.substr(at, 100'000)).ok());
    EXPECT_EQ(part->size(), bytes.size());
    EXPECT_TRUE(part->finish().ok());
    return store->verify(named).status();
  };
  auto damaged = whole;
  damaged[300'000] ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(receive(name, damaged)));
  EXPECT_TRUE(absl::IsDataLoss(receive(name, whole.substr(0, whole.size() - 1))));
  auto another = name;
  another.checksum += 1;
  EXPECT_TRUE(absl::IsDataLoss(receive(another, whole)));
  EXPECT_FALSE(store->newest().has_value());
  ASSERT_TRUE(receive(name, whole).ok());
  EXPECT_EQ(store->verify(name).value(), meta_at(7));
  ASSERT_TRUE(store->keep().ok());
  EXPECT_EQ(store->newest()->name, name);
  EXPECT_EQ(store->newest()->meta, meta_at(7));
  EXPECT_TRUE(*(*store->read())->raw(0, name.size) == whole);
}

TEST_F(snapshot_test, a_power_cut_leaves_the_first_one_or_none_and_none_is_missing) {
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut; ++cut) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE("power cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      memory_env disk;
      auto store = *snapshot_store::open(disk, "snapshots");
      disk.power_off_at(cut);
      const auto stopped = write_snapshot(*store, meta_at(8), "first");
      was_cut = disk.power_is_off();
      store.reset();
      disk.crash(seed);
      const auto again = snapshot_store::open(disk, "snapshots");
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_TRUE((*again)->newest() || !stopped.ok());
      EXPECT_FALSE((*again)->damaged());
    }
  }
}

// Scenario 58: at each call to the file system.
TEST_F(snapshot_test, a_power_cut_leaves_the_old_one_or_the_new_one) {
  const auto bytes = random_bytes(300'000, 4);
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut; ++cut) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE("power cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      memory_env disk;
      auto store = *snapshot_store::open(disk, "snapshots");
      ASSERT_TRUE(write_snapshot(*store, meta_at(7), "old").ok());
      disk.power_off_at(cut);
      const auto stopped = write_snapshot(*store, meta_at(8), bytes, 100'000);
      was_cut = disk.power_is_off();
      EXPECT_EQ(stopped.ok(), !was_cut);
      store.reset();
      disk.crash(seed);
      {
        auto again = snapshot_store::open(disk, "snapshots");
        ASSERT_TRUE(again.ok()) << again.status();
        again = snapshot_store::open(disk, "snapshots");
        ASSERT_TRUE(again.ok()) << again.status();
        ASSERT_TRUE((*again)->newest().has_value());
        const bool is_new = (*again)->newest()->meta == meta_at(8);
        const auto found = read_snapshot(**(*again)->read());
        ASSERT_TRUE(found.ok()) << found.status();
        EXPECT_TRUE(*found == (is_new ? bytes : "old"));
        EXPECT_TRUE(is_new || !stopped.ok());
        EXPECT_EQ(disk.list("snapshots").value().size(), 2u) << "and what its header says";
        ASSERT_TRUE(disk.remove((*again)->newest()->path).ok());
        again = snapshot_store::open(disk, "snapshots");
        ASSERT_TRUE(again.ok()) << again.status();
        EXPECT_EQ((*again)->damaged()->meta, meta_at(is_new ? 8 : 7));
      }
    }
  }
}

}  // namespace
}  // namespace troupe::storage
