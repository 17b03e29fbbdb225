// What opening does with what it finds: repairs what a crash can leave, refuses what it cannot.
#include <algorithm>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

constexpr uint64_t start = segment_header::block_size;

class recovery_test : public testing::Test {
 protected:
  recovery_test() { open(); }

  absl::Status try_open(uint64_t node = 1) {
    storage_.reset();
    durable_options options;
    options.dir = "data";
    options.node = node_id(node);
    options.incarnation = 99;
    options.log = {{KiB(8), KiB(1)}, KiB(1)};
    auto opened = durable_storage::open(files_, options);
    if (opened.ok()) storage_ = *std::move(opened);
    return opened.status();
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  // Appends batches of about 1 KiB, so three to a segment, with a sync after each.
  void grow(size_t number) {
    for (size_t i = 0; i < number; ++i) {
      const auto b = batch_after(storage_->tail(), leader_of(1), 1, 1000);
      ASSERT_TRUE(storage_->append({{b}}).ok());
      ASSERT_TRUE(storage_->sync().ok());
    }
  }
  static std::string path_of(uint64_t segment) { return "data/log/" + segment_name(segment); }
  std::unique_ptr<file> raw(const std::string& path) {
    auto opened = files_.open(path, open_mode::existing);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  void flip(const std::string& path, uint64_t offset) { flip_bit(files_, path, offset, 4); }
  // Opening is refused with this code and a text that contains all of `words`; again and again.
  void expect_refused(absl::StatusCode code, const std::vector<std::string>& words) {
    for (int i = 0; i < 2; ++i) {
      const auto opened = try_open();
      EXPECT_EQ(opened.code(), code) << opened;
      for (const auto& word : words)
        EXPECT_NE(opened.message().find(word), absl::string_view::npos) << opened << ": " << word;
    }
  }
  size_t segments() {
    const auto names = *files_.list("data/log");
    return static_cast<size_t>(std::ranges::count_if(
        names, [](const auto& name) { return parse_segment_name(name).has_value(); }));
  }
  uint64_t last() const { return storage_->tail().last.index.value; }

  memory_env files_;
  std::unique_ptr<durable_storage> storage_;
};

TEST_F(recovery_test, any_flipped_bit_of_what_was_synced_is_reported_and_never_cut) {
  grow(8);  // three full segments
  storage_.reset();
  for (uint64_t segment = 1; segment <= 3; ++segment) {
    const auto whole = raw(path_of(segment));
    // The newest segment has zeros behind the mark of its last sync.
    const uint64_t end =
        segment == 3 ? start + 2 * (1068 + mark::size) - mark::size : *whole->size() - mark::size;
    for (uint64_t at = start; at < end; at += 97) {
      flip(path_of(segment), at);
      // A mark is written anew from what is around it.
      if ((at - start) % (1068 + mark::size) >= 1068) {
        open();
        EXPECT_EQ(last(), 8u);
        storage_.reset();
        continue;
      }
      expect_refused(absl::StatusCode::kDataLoss, {path_of(segment), " at offset "});
      flip(path_of(segment), at);
    }
  }
  open();
  EXPECT_EQ(last(), 8u);
}

TEST_F(recovery_test, a_damaged_header_is_reported) {
  grow(8);
  for (uint64_t segment = 1; segment <= 3; ++segment)
    for (uint64_t at = 0; at < 88; at += 7) {
      flip(path_of(segment), at);
      expect_refused(absl::StatusCode::kDataLoss, {path_of(segment), " at offset 0"});
      flip(path_of(segment), at);
    }
  open();
  EXPECT_EQ(last(), 8u);
}

TEST_F(recovery_test, a_torn_write_at_any_byte_loses_only_what_was_not_synced) {
  grow(1);
  const uint64_t durable_end = start + 1068 + mark::size;
  const auto unsynced = batches_after(storage_->tail(), leader_of(2), 2, 1, 600);
  for (size_t kept = 0; kept <= 2 * 668; kept += 31) {
    ASSERT_TRUE(storage_->append(unsynced).ok());
    storage_.reset();
    auto tail = raw(path_of(1));
    const std::string garbage(*tail->size() - durable_end - kept, '\xee');
    ASSERT_TRUE(tail->write(durable_end + kept, garbage).ok());
    open();
    ASSERT_EQ(last(), 1 + kept / 668);
    ASSERT_TRUE(storage_->truncate_after(log_index(1)).ok());
  }
}

TEST_F(recovery_test, batches_that_were_never_synced_may_arrive_out_of_order) {
  grow(1);
  const auto unsynced = batches_after(storage_->tail(), leader_of(2), 3, 1, 600);
  ASSERT_TRUE(storage_->append(unsynced).ok());
  flip(path_of(1), start + 1068 + mark::size + 300);  // the first of three
  open();
  EXPECT_EQ(last(), 1u);
}

TEST_F(recovery_test, a_mark_that_is_lost_by_itself_takes_nothing_with_it) {
  grow(2);
  const uint64_t lost = start + 1068 + mark::size + 1068;
  ASSERT_TRUE(storage_->append({{batch_after(storage_->tail(), leader_of(1), 1, 100)}}).ok());
  storage_.reset();
  flip(path_of(1), lost + 20);
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_EQ(last(), 3u);
    files_.crash(i);  // what opening found, and the mark that it wrote again, are durable
  }
  open();
  grow(1);
  open();
  EXPECT_EQ(last(), 4u);
}

TEST_F(recovery_test, what_a_truncation_leaves_never_looks_like_a_last_write) {
  ASSERT_TRUE(storage_->append(batches_after({}, leader_of(1), 5, 1, 100)).ok());
  ASSERT_TRUE(storage_->sync().ok());
  ASSERT_TRUE(storage_->truncate_after(log_index(3)).ok());
  storage_.reset();
  files_.crash(1);
  flip(path_of(1), start + 70);
  expect_refused(absl::StatusCode::kDataLoss, {path_of(1) + " at offset 4096"});
}

TEST_F(recovery_test, an_old_log_is_not_found_again_when_the_reset_one_rots) {
  grow(8);
  ASSERT_TRUE(storage_->reset({{leader_of(3), log_index(100)}, 7}).ok());
  storage_.reset();
  files_.crash(2);  // brings back segments that were removed
  ASSERT_GT(segments(), 1u);
  flip(path_of(4), 30);
  expect_refused(absl::StatusCode::kDataLoss, {path_of(4) + " at offset 0"});
  flip(path_of(4), 30);
  open();
  EXPECT_EQ(last(), 100u);
}

TEST_F(recovery_test, zeros_behind_the_log_are_its_normal_end) {
  grow(2);
  storage_.reset();
  auto newest = raw(path_of(1));
  ASSERT_TRUE(newest->write(*newest->size(), std::string(4 << 20, '\0')).ok());
  open();
  EXPECT_EQ(last(), 2u);
  grow(1);
  open();
  EXPECT_EQ(last(), 3u);
}

TEST_F(recovery_test, a_segment_that_was_never_finished_is_removed) {
  const std::string header(100, '\x5a');
  for (const auto& content :
       {std::string(), header, std::string(start + 500, '\0'), header + std::string(start, '\0')}) {
    grow(2);
    const auto before = storage_->tail();
    const uint64_t next = segments() + 1;
    auto unfinished = files_.open(path_of(next), open_mode::create);
    ASSERT_TRUE(unfinished.ok());
    ASSERT_TRUE((*unfinished)->write(0, content).ok());
    open();
    EXPECT_EQ(storage_->tail(), before);
    EXPECT_EQ(segments(), next - 1);
  }
}

TEST_F(recovery_test, a_newest_segment_with_content_but_no_header_is_reported) {
  grow(8);
  ASSERT_TRUE(raw(path_of(3))->write(0, std::string(start, '\0')).ok());
  expect_refused(absl::StatusCode::kDataLoss, {path_of(3)});
}

TEST_F(recovery_test, missing_files_are_reported) {
  grow(12);
  ASSERT_EQ(segments(), 4u);
  const struct {
    std::string path;
    std::vector<std::string> words;
  } cases[] = {
      {path_of(2), {segment_name(2), "missing"}},
      {path_of(3), {segment_name(3), "missing"}},
      {"data/vote", {"data/vote", "missing"}},
      {"data/identity", {"data", "identity"}},
  };
  for (const auto& c : cases) {
    ASSERT_TRUE(files_.rename(c.path, "data/elsewhere").ok());
    expect_refused(absl::StatusCode::kDataLoss, c.words);
    ASSERT_TRUE(files_.rename("data/elsewhere", c.path).ok());
  }
  open();
  EXPECT_EQ(last(), 12u);
}

TEST_F(recovery_test, a_log_without_any_segment_is_reported) {
  ASSERT_TRUE(files_.remove(path_of(1)).ok());
  expect_refused(absl::StatusCode::kDataLoss, {"data/log", "missing"});
}

TEST_F(recovery_test, a_segment_that_lost_its_last_batches_is_reported) {
  grow(8);
  ASSERT_TRUE(raw(path_of(1))->truncate(start + 1068).ok());
  expect_refused(absl::StatusCode::kDataLoss, {path_of(1), segment_name(2)});
}

TEST_F(recovery_test, files_of_another_directory_are_refused) {
  grow(2);
  auto header = decode_header(*raw(path_of(1))->read(0, start));
  ASSERT_TRUE(header.ok());
  header->incarnation ^= 1;
  ASSERT_TRUE(raw(path_of(1))->write(0, encode_header(*header)).ok());
  expect_refused(absl::StatusCode::kDataLoss, {path_of(1), "another data directory"});
}

TEST_F(recovery_test, stale_bytes_are_not_taken_for_log_after_a_truncation) {
  // The new batches end exactly where old ones begin, and have their size.
  grow(3);
  ASSERT_TRUE(storage_->truncate_after(log_index(1)).ok());
  ASSERT_TRUE(storage_->append({{batch_after(storage_->tail(), leader_of(2), 1, 1000)}}).ok());
  ASSERT_TRUE(storage_->sync().ok());
  open();
  EXPECT_EQ(storage_->tail().last, (log_id{leader_of(2), log_index(2)}));
}

TEST_F(recovery_test, another_nodes_directory_is_refused_in_one_line) {
  const auto opened = try_open(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(opened));
  EXPECT_EQ(opened.message(), "data directory data belongs to node 1, not to node 2");
  open();
}

TEST_F(recovery_test, a_directory_in_use_is_refused_in_one_line) {
  const auto held = std::move(storage_);
  const auto opened = try_open();
  EXPECT_TRUE(absl::IsFailedPrecondition(opened));
  EXPECT_EQ(opened.message(), "directory data is in use by another process");
}

TEST_F(recovery_test, damage_found_by_a_read_names_file_and_offset) {
  grow(8);
  flip(path_of(1), start + 500);
  const auto found = storage_->read(log_index(1), KiB(1));
  EXPECT_TRUE(absl::IsDataLoss(found.status()));
  EXPECT_NE(found.status().message().find(path_of(1) + " at offset 4096"), absl::string_view::npos)
      << found.status();
  EXPECT_TRUE(storage_->read(log_index(4), KiB(1)).ok());
}

TEST_F(recovery_test, a_batch_in_the_place_of_another_is_noticed_by_a_read) {
  grow(8);
  const auto in = raw(path_of(1));
  ASSERT_TRUE(in->write(start, *in->read(start + 1068 + mark::size, 1068)).ok());
  const auto found = storage_->read(log_index(1), KiB(1));
  EXPECT_TRUE(absl::IsDataLoss(found.status()));
  EXPECT_NE(found.status().message().find(path_of(1) + " at offset 4096"), absl::string_view::npos)
      << found.status();
  expect_refused(absl::StatusCode::kDataLoss, {path_of(1) + " at offset 4096"});
}

TEST_F(recovery_test, after_a_failure_every_write_fails_with_the_first_error) {
  const std::vector<std::string> calls = {"write", "sync"};
  for (const auto& failing : calls) {
    open();
    grow(1);
    const auto b = batch_after(storage_->tail(), leader_of(1));
    int failures = 0;
    files_.set_fault([&](std::string_view call, const std::string&) {
      return call == failing && ++failures == 1 ? absl::UnknownError("the disk is broken")
                                                : absl::OkStatus();
    });
    const auto first = storage_->append({{b}});
    EXPECT_EQ(first.ok(), failing == "sync");
    for (const auto& later :
         {storage_->sync(), storage_->append({}), storage_->save_vote({}), storage_->sync(),
          storage_->purge(log_index(1)), storage_->truncate_after(storage_->tail().last.index),
          storage_->reset({})})
      EXPECT_EQ(later, absl::UnknownError("the disk is broken"));
    EXPECT_EQ(failures, 1) << "nothing is written after a failure";
    files_.crash(1);
  }
}

TEST_F(recovery_test, a_full_disk_stops_writing_and_loses_nothing) {
  grow(2);
  files_.set_capacity(files_.used() + 5000);
  absl::Status stopped;
  uint64_t synced = last();
  while (stopped.ok()) {
    stopped = storage_->append({{batch_after(storage_->tail(), leader_of(1), 1, 500)}});
    if (stopped.ok()) stopped = storage_->sync();
    if (stopped.ok()) synced = last();
  }
  EXPECT_TRUE(absl::IsResourceExhausted(stopped)) << stopped;
  EXPECT_NE(stopped.message().find("data/log/"), absl::string_view::npos) << stopped;
  files_.set_capacity(1 << 30);
  open();
  EXPECT_GE(last(), synced);
}

// Scenario 70: with three batches to a segment.
TEST_F(recovery_test, a_full_disk_is_noticed_a_segment_before_a_write_fails) {
  grow(4);
  files_.set_capacity(files_.used());
  EXPECT_TRUE(storage_->has_room()) << "the reserve is there";
  grow(3);  // which becomes a segment
  EXPECT_FALSE(storage_->has_room());
  grow(2);
  EXPECT_TRUE(storage_->save_vote({leader_of(7), true}).ok());
  EXPECT_TRUE(storage_->make_room().ok());
  EXPECT_FALSE(storage_->has_room());
  open();
  EXPECT_FALSE(storage_->has_room());
  EXPECT_EQ(last(), 9u);
  EXPECT_TRUE(storage_->purge(log_index(6)).ok());
  EXPECT_TRUE(storage_->make_room().ok());
  EXPECT_TRUE(storage_->has_room()) << "what was purged is room";
  files_.set_capacity(1 << 30);
  grow(20);
  EXPECT_TRUE(storage_->has_room());
  open();
  EXPECT_EQ(last(), 29u);
}

TEST_F(recovery_test, room_that_a_cut_gave_away_is_taken_again) {
  grow(2);
  const auto used = files_.used();
  ASSERT_TRUE(storage_->truncate_after(log_index(1)).ok());
  ASSERT_TRUE(storage_->sync().ok());
  EXPECT_EQ(files_.used(), used);
}

}  // namespace
}  // namespace troupe::storage
