// Snapshots on the disk: whole or not there, and never another one's bytes.
#include <xxhash.h>

#include "storage/snapshot_fixture.h"

namespace troupe::storage {
namespace {

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
  auto from = *store_->read();
  ASSERT_TRUE(from->next().ok());
  ASSERT_TRUE(write_snapshot(*store_, meta_at(8), "new").ok());
  EXPECT_FALSE(store_->removed().free_some());
  const auto rest = read_snapshot(*from);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_TRUE(*rest == bytes.substr(snapshot_writer::block_size));
  from.reset();
  EXPECT_TRUE(store_->removed().free_some());
  EXPECT_TRUE(store_->removed().empty());
}

TEST_F(snapshot_test, who_reads_an_old_one_keeps_no_other_one_on_the_disk) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "seven").ok());
  const auto from = *store_->read();
  for (const uint64_t index : {8, 10, 12}) {
    ASSERT_TRUE(write_snapshot(*store_, meta_at(index), "x").ok());
    const auto bytes = *files_.open(store_->newest()->path, open_mode::reading);
    ASSERT_TRUE(read_snapshot(**store_->read()).ok());
    ASSERT_TRUE(write_snapshot(*store_, meta_at(index + 1), "y").ok());
    while (store_->removed().free_some()) continue;
    EXPECT_EQ(bytes->size().value(), 0u);
  }
  EXPECT_EQ(read_snapshot(*from).value(), "seven");
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

// As the versions before left it, or with one of the two damaged.
// The power failed before the older one was removed.
TEST_F(snapshot_test, looking_through_it_ends_when_nobody_wants_it_any_more) {
  const size_t block = snapshot_writer::block_size;
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), random_bytes(4 * block, 1), block).ok());
  const auto from = *store_->read();
  int asked = 0;
  EXPECT_TRUE(absl::IsCancelled(from->verify([&] { return ++asked < 3; })));
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(from->verify().ok());
  EXPECT_EQ(read_snapshot(*from).value().size(), 4 * block) << "from the first on";
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

// Scenario 58: at each call to the file system.
TEST_F(snapshot_test, a_power_cut_leaves_the_old_one_or_the_new_one) {
  const auto bytes = random_bytes(300'000, 4);
  cut_everywhere(
      [](snapshot_store& store) { ASSERT_TRUE(write_snapshot(store, meta_at(7), "old").ok()); },
      [&](snapshot_store& store) { return write_snapshot(store, meta_at(8), bytes, 100'000); },
      [&](memory_env& disk, bool done) {
        for (int i = 0; i < 2; ++i) {
          const auto again = snapshot_store::open(disk, "snapshots");
          ASSERT_TRUE(again.ok()) << again.status();
          ASSERT_TRUE((*again)->newest().has_value());
          const bool is_new = (*again)->newest()->meta == meta_at(8);
          const auto found = read_snapshot(**(*again)->read());
          ASSERT_TRUE(found.ok()) << found.status();
          EXPECT_TRUE(*found == (is_new ? bytes : "old"));
          EXPECT_TRUE(is_new || !done);
          EXPECT_EQ(disk.list("snapshots").value().size(), 2u) << "and what its header says";
          if (i == 0) continue;
          ASSERT_TRUE(disk.remove((*again)->newest()->path).ok());
          const auto without = snapshot_store::open(disk, "snapshots");
          ASSERT_TRUE(without.ok()) << without.status();
          EXPECT_EQ((*without)->damaged()->meta, meta_at(is_new ? 8 : 7));
        }
      });
}

TEST_F(snapshot_test, a_power_cut_while_the_old_one_is_freed_leaves_the_new_one) {
  cut_everywhere(
      [](snapshot_store& store) {
        ASSERT_TRUE(write_snapshot(store, meta_at(7), "old").ok());
        ASSERT_TRUE(write_snapshot(store, meta_at(8), "new").ok());
        ASSERT_FALSE(store.removed().empty());
      },
      [](snapshot_store& store) {
        while (store.removed().free_some()) continue;
        return store.begin(meta_at(9)).status();
      },
      [](memory_env& disk, bool) {
        const auto again = snapshot_store::open(disk, "snapshots");
        ASSERT_TRUE(again.ok()) << again.status();
        ASSERT_EQ((*again)->newest_meta(), meta_at(8));
        EXPECT_EQ(read_snapshot(**(*again)->read()).value(), "new");
        EXPECT_EQ(disk.list("snapshots").value().size(), 2u) << "and what its header says";
      });
}

}  // namespace
}  // namespace troupe::storage
