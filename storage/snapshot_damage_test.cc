// What a node knows of its snapshots where the newest is damaged, gone, or not its own.
#include "storage/snapshot_fixture.h"

namespace troupe::storage {
namespace {

using snapshot_damage_test = snapshot_test;

TEST_F(snapshot_damage_test, one_with_a_damaged_header_is_set_aside_until_there_is_another) {
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

TEST_F(snapshot_damage_test, of_one_that_is_gone_or_has_another_name_is_known_what_it_was) {
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

TEST_F(snapshot_damage_test, what_is_written_twice_is_made_whole_from_the_other) {
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

TEST_F(snapshot_damage_test, without_room_for_it_the_newest_serves_all_the_same) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  forget_beginning();
  files_.set_capacity(files_.used());
  open();
  EXPECT_EQ(state().value(), "x");
}

TEST_F(snapshot_damage_test, one_of_another_cluster_is_refused_and_nothing_is_changed) {
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

TEST_F(snapshot_damage_test, the_header_of_one_that_was_set_aside_still_tells_what_it_was) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  ASSERT_TRUE(store_->set_aside("it is damaged").ok());
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->why, "it is damaged");
  EXPECT_TRUE(absl::IsNotFound(store_->read().status()));
  open();
  EXPECT_FALSE(store_->newest());
  EXPECT_EQ(store_->damaged()->meta, meta_at(7));
}

TEST_F(snapshot_damage_test, an_older_one_that_is_whole_serves_where_the_newest_is_damaged) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(6), "old").ok());
  const auto old = files_.open(store_->newest()->path, open_mode::existing);
  const auto bytes = (*old)->read(0, (*(*old)->size())).value();
  const auto old_path = store_->newest()->path;
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  ASSERT_TRUE((*files_.open(old_path, open_mode::create))->write(0, bytes).ok());
  flip_bit(files_, store_->newest()->path, 30, 2);
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_EQ(state().value(), "old");
    EXPECT_EQ(store_->damaged()->meta, meta_at(7)) << "the log may begin behind the old one";
    EXPECT_EQ(newest_by_name(files_, "snapshots").value(), meta_at(7).last.last);
  }
  ASSERT_TRUE(write_snapshot(*store_, meta_at(8), "y").ok());
  EXPECT_FALSE(store_->damaged());
  EXPECT_EQ(files(), 1u);
}

TEST_F(snapshot_damage_test, the_header_that_is_written_twice_is_no_snapshot) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  const auto from = snapshot_reader::open(files_, "snapshots/beginning");
  EXPECT_TRUE(absl::IsDataLoss(from.status())) << from.status();
  EXPECT_EQ(snapshot_reader::read_header_of(files_, "snapshots/beginning").value(), meta_at(7));
  const auto whole = snapshot_reader::read_header_of(files_, store_->newest()->path);
  EXPECT_TRUE(absl::IsDataLoss(whole.status())) << whole.status();
}

TEST_F(snapshot_damage_test, an_older_one_in_place_of_the_newest_does_not_hide_that_it_is_gone) {
  ASSERT_TRUE(write_snapshot(*store_, meta_at(7), "x").ok());
  ASSERT_TRUE(files_.remove(store_->newest()->path).ok());
  auto older = store_->newest()->path;
  older.replace(older.find('7'), 1, "6");
  const auto to = *snapshot_writer::create(files_, older, meta_at(6));
  ASSERT_TRUE(to->finish().ok());
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_EQ(store_->newest()->meta, meta_at(6));
    EXPECT_EQ(store_->damaged()->meta, meta_at(7));
  }
}

TEST_F(snapshot_damage_test, a_power_cut_leaves_the_first_one_or_none_and_none_is_missing) {
  cut_everywhere([](snapshot_store&) {},
                 [](snapshot_store& store) { return write_snapshot(store, meta_at(8), "first"); },
                 [](memory_env& disk, bool done) {
                   const auto again = snapshot_store::open(disk, "snapshots");
                   ASSERT_TRUE(again.ok()) << again.status();
                   EXPECT_TRUE((*again)->newest() || !done);
                   EXPECT_FALSE((*again)->damaged());
                 });
}

}  // namespace
}  // namespace troupe::storage
