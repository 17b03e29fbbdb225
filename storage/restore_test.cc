// What damage took from a log is put back as it was: from what is left of it, and from other nodes.
#include <random>

#include "storage/log_repair_scene.h"
#include "storage/memory_storage.h"
#include "storage/restore_from.h"

namespace troupe::storage {
namespace {

class restore_test : public log_repair_scene {
 protected:
  // Of the scene's batches the one with that number, from 0 on.
  static void damage(memory_env& files, size_t i) {
    const auto path = path_of(1 + i / 3);
    flip_bit(files, path, start + (i % 3) * step + 100, 4);
    ASSERT_TRUE((*files.open(path, open_mode::existing))->sync().ok());
  }
  void damage(size_t i) { damage(files_, i); }
  // More of the scene's batches, behind one sync.
  void add_group(const std::vector<batch_ptr>& more) {
    ASSERT_TRUE(storage_->append(more).ok());
    ASSERT_TRUE(storage_->sync().ok());
    written_.insert(written_.end(), more.begin(), more.end());
    whole_ = storage_->tail();
  }
  // The log has a hole where batch `i` was, and everything else can still be read.
  missing_batches hole_at(size_t i) const {
    return {i == 0 ? log_index(0) : written_[i - 1]->last_index(),
            {{{}, written_[i]->last_index()}, written_[i]->checksum()}};
  }
  // What is missing, when all that can be put back is.
  std::optional<missing_batches> restored() {
    for (;;) {
      const auto before = storage_->tail();
      const auto missing = storage_->restore();
      EXPECT_TRUE(missing.ok()) << missing.status();
      if (!missing.ok() || *missing || storage_->tail() == before)
        return missing.value_or(std::nullopt);
    }
  }
  void expect_whole(durable_storage& storage) {
    EXPECT_FALSE(storage.lost().has_value());
    const auto all = storage.read(log_index(1), MiB(1));
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), written_.size());
    for (size_t i = 0; i < all->size(); ++i) EXPECT_EQ((*all)[i]->bytes(), written_[i]->bytes());
  }
  // Now, and after a restart, without leave to cut anything.
  void expect_whole() {
    expect_whole(*storage_);
    EXPECT_EQ(set_aside(), 0u);
    const auto opened = try_open(/*cut_damage=*/false);
    ASSERT_TRUE(opened.ok()) << opened;
    expect_whole(*storage_);
  }
  // A node that has everything.
  memory_storage& intact() {
    if (!intact_.tail().last) {
      EXPECT_TRUE(intact_.append(written_).ok());
    }
    return intact_;
  }

  memory_storage intact_;
};

TEST_F(restore_test, a_whole_log_needs_nothing) {
  EXPECT_EQ(restored(), std::nullopt);
  ASSERT_TRUE(storage_->keep_aside(written_).ok());
  expect_whole();
}

TEST_F(restore_test, a_damaged_header_costs_nothing_else) {
  flip(path_of(2), 40);
  open();
  expect_cut_to(3);
  EXPECT_EQ(restored(), std::nullopt);
  expect_whole();
}

TEST_F(restore_test, a_damaged_batch_is_all_that_is_missing) {
  for (size_t i = 0; i < 7; ++i) {
    SCOPED_TRACE(i);
    damage(i);
    open();
    expect_cut_to(i);
    EXPECT_EQ(restored(), hole_at(i));
    ASSERT_TRUE(storage_->keep_aside({{written_[i]}}).ok());
    EXPECT_EQ(restored(), std::nullopt);
    expect_whole();
  }
}

TEST_F(restore_test, of_the_end_of_the_log_only_the_log_id_is_known) {
  damage(7);
  open();
  const missing_batches end{written_[6]->last_index(), {whole_.last, 0}};
  EXPECT_EQ(restored(), end);
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  expect_whole();
}

TEST_F(restore_test, holes_are_filled_from_the_newest_to_the_oldest_over_restarts) {
  for (const size_t i : {6, 4, 1}) damage(i);
  open();
  for (const size_t i : {6, 4, 1}) {
    EXPECT_EQ(restored(), hole_at(i));
    ASSERT_TRUE(storage_->keep_aside({{written_[i]}}).ok());
    open();
  }
  EXPECT_EQ(restored(), std::nullopt);
  expect_whole();
}

TEST_F(restore_test, a_long_hole_is_filled_piece_by_piece) {
  for (size_t i = 1; i < 7; ++i) damage(i);
  ASSERT_TRUE(files_.remove(path_of(2)).ok());
  open();
  expect_cut_to(1);
  ASSERT_TRUE(restore_from(*storage_, intact(), KiB(3)).ok());
  expect_whole();
}

TEST_F(restore_test, nothing_that_is_intact_is_missed_behind_one_bad_sector) {
  const auto more = batches_after(whole_, leader_of(9), 40, 1, 20);
  add_group(more);
  add_group({batch_after(whole_, leader_of(9))});
  storage_.reset();
  // 512 bytes hold about six of them: headers, lengths and all.
  const auto to = files_.open(path_of(3), open_mode::existing);
  const uint64_t sector = (start + 2 * step) / 512 * 512 + 1024;
  ASSERT_TRUE((*to)->write(sector, std::string(512, '\x5a')).ok());
  ASSERT_TRUE((*to)->sync().ok());
  open();
  const auto hole = restored();
  ASSERT_TRUE(hole.has_value());
  EXPECT_LE(hole->end.last.index.value - hole->after.value, 8u);
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  expect_whole();
}

// A power cut took the mark of the last group, and its first batch is damaged.
TEST_F(restore_test, what_is_noted_as_durable_is_not_taken_for_a_torn_write) {
  const auto more = batches_after(whole_, leader_of(9), 4, 2, 200);
  add_group(more);
  storage_.reset();
  const uint64_t size = more.front()->bytes().size();
  const auto to = files_.open(path_of(3), open_mode::existing);
  const uint64_t group = start + 2 * step;
  ASSERT_TRUE((*to)->write(group + 4 * size, std::string(mark::size, '\0')).ok());
  flip(path_of(3), group + 90);
  EXPECT_TRUE(absl::IsDataLoss(try_open(/*cut_damage=*/false)));
  open();
  EXPECT_EQ(storage_->lost()->where.find(path_of(3) + " at offset "), 0u);
  EXPECT_EQ(restored(), hole_at(8)) << "and the other three were found";
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  expect_whole();
}

TEST_F(restore_test, batches_are_found_between_damaged_ones_without_a_mark_between) {
  const auto more = batches_after(whole_, leader_of(9), 4, 2, 200);
  add_group(more);
  const uint64_t size = more.front()->bytes().size();
  for (const size_t i : {0, 2}) flip(path_of(3), start + 2 * step + i * size + 90);
  open();
  EXPECT_EQ(restored(), hole_at(10));
  ASSERT_TRUE(storage_->keep_aside({{written_[10]}}).ok());
  EXPECT_EQ(restored(), hole_at(8)) << "and batch 9 was found";
  ASSERT_TRUE(storage_->keep_aside({{written_[8]}}).ok());
  EXPECT_EQ(restored(), std::nullopt);
  expect_whole();
}

// As the first entry of a leadership does. A power cut took the mark behind it.
TEST_F(restore_test, a_last_batch_that_ends_in_zeros_is_found) {
  batch_builder blank;
  blank.add("");
  add_group({blank.seal(batch_kind::blank, leader_of(9), whole_)});
  storage_.reset();
  const auto to = files_.open(path_of(3), open_mode::existing);
  const uint64_t mark_at = start + 2 * step + written_.back()->bytes().size();
  ASSERT_TRUE((*to)->write(mark_at, std::string(mark::size, '\0')).ok());
  damage(6);
  open();
  EXPECT_EQ(restored(), hole_at(6));
  ASSERT_TRUE(storage_->keep_aside({{written_[6]}}).ok());
  EXPECT_EQ(restored(), std::nullopt);
  expect_whole();
}

TEST_F(restore_test, what_is_sent_and_was_not_asked_for_changes_nothing) {
  damage(4);
  open();
  const auto fork = batches_after(written_[3]->tail(), leader_of(7), 4, 2, 500);
  ASSERT_TRUE(storage_->keep_aside(fork).ok());
  EXPECT_EQ(restored(), hole_at(4));
  expect_cut_to(4);
  ASSERT_TRUE(storage_->keep_aside({{written_[4]}}).ok());
  EXPECT_EQ(restored(), std::nullopt);
  expect_whole();
}

// A leader that is alive writes over what was never committed.
TEST_F(restore_test, a_log_that_took_another_way_meanwhile_is_left_alone) {
  damage(4);
  open();
  add(batch_after(storage_->tail(), leader_of(3, 2), 2, 500));
  const auto tail = storage_->tail();
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  EXPECT_EQ(storage_->tail(), tail);
  EXPECT_TRUE(storage_->lost().has_value());
}

TEST_F(restore_test, two_nodes_with_different_damage_make_each_other_whole) {
  storage_.reset();
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    memory_env disks[] = {memory_env(files_), memory_env(files_)};
    for (size_t i = 0; i < written_.size(); ++i)
      if (const auto where = random() % 3; where < 2) damage(disks[where], i);
    auto one = open_on(disks[0]), two = open_on(disks[1]);
    ASSERT_TRUE(one.ok() && two.ok()) << one.status() << two.status();
    for (size_t i = 0; i < written_.size(); ++i) {
      ASSERT_TRUE(restore_from(**one, **two, KiB(2)).ok());
      ASSERT_TRUE(restore_from(**two, **one, KiB(2)).ok());
    }
    expect_whole(**one);
    expect_whole(**two);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(restore_test, an_interrupted_restore_is_repeated) {
  for (const size_t hole : {0, 3, 7}) {
    bool was_cut = true;
    for (uint64_t cut = 1; was_cut; ++cut) {
      SCOPED_TRACE("batch " + std::to_string(hole) + ", power cut at " + std::to_string(cut));
      storage_.reset();
      damage(hole);
      open();
      files_.power_off_at(cut);
      const auto stopped = restore_from(*storage_, intact());
      was_cut = files_.power_is_off();
      EXPECT_EQ(stopped.ok(), !was_cut);
      storage_.reset();
      files_.crash(cut);
      open();
      ASSERT_TRUE(storage_->lost() || storage_->tail() == whole_);
      ASSERT_TRUE(restore_from(*storage_, intact()).ok());
      expect_whole();
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(restore_test, a_full_disk_is_waited_for) {
  damage(1);
  open();
  files_.set_capacity(files_.used());
  ASSERT_TRUE(storage_->keep_aside({{written_[1]}}).ok());
  EXPECT_EQ(restored(), hole_at(1));
  files_.set_capacity(files_.used() + KiB(64).value);
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  expect_whole();
}

TEST_F(restore_test, what_was_set_aside_and_cannot_be_read_is_not_there) {
  for (int i = 0; i < 3; ++i) {
    damage(3);
    open();
    const auto names = files_.list("data/log").value();
    const auto aside =
        *std::ranges::find_if(names, [](const auto& name) { return name.ends_with("-4096.lost"); });
    if (i == 0) {
      files_.set_read_fault([&](std::string_view call, const std::string& path) {
        const bool hit = call == "read" && path.ends_with(aside);
        return hit ? absl::UnavailableError("input/output error") : absl::OkStatus();
      });
    } else if (i == 1) {
      EXPECT_EQ(restored(), hole_at(3));
      ASSERT_TRUE(files_.remove("data/log/" + aside).ok());
    } else {
      EXPECT_EQ(restored(), hole_at(3));
      flip("data/log/" + aside, step + 100);  // batch 4
    }
    ASSERT_TRUE(restore_from(*storage_, intact()).ok());
    files_.set_read_fault(nullptr);
    expect_whole();
  }
}

TEST_F(restore_test, who_has_purged_it_says_that_it_has_nothing) {
  ASSERT_TRUE(intact().purge(written_[4]->last_index()).ok());
  const auto gone = intact().find(hole_at(4), MiB(1));
  ASSERT_TRUE(gone.ok()) << gone.status();
  EXPECT_TRUE(gone->empty());
  damage(4);
  open();
  ASSERT_TRUE(restore_from(*storage_, intact()).ok());
  EXPECT_EQ(restored(), hole_at(4));
}

}  // namespace
}  // namespace troupe::storage
