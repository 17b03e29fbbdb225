// Removed files: nameless at once, freed a piece at a time, and never under a reader.
#include "storage/retired_files.h"

#include <gtest/gtest.h>

#include "storage/memory_env.h"

namespace troupe::storage {
namespace {

constexpr auto piece = retired_files::piece;

class retired_files_test : public testing::Test {
 protected:
  retired_files_test() { EXPECT_TRUE(files_.create_dirs("d").ok()); }

  // What is left of it is seen by the one that is returned.
  std::unique_ptr<file> write(const std::string& path, uint64_t size) {
    auto made = *files_.open(path, open_mode::create);
    EXPECT_TRUE(made->truncate(size).ok() && made->sync().ok());
    return made;
  }

  memory_env files_;
  retired_files removed_;
};

TEST_F(retired_files_test, a_file_loses_its_name_at_once_and_its_bytes_a_piece_at_a_time) {
  const auto bytes = write("d/large", 2 * piece + 1);
  ASSERT_TRUE(removed_.add(files_, "d/large").ok());
  EXPECT_TRUE(absl::IsNotFound(files_.open("d/large", open_mode::existing).status()));
  EXPECT_EQ(bytes->size().value(), 2 * piece + 1);
  for (const auto left : {piece + 1, uint64_t{1}, uint64_t{0}}) {
    EXPECT_FALSE(removed_.empty());
    EXPECT_TRUE(removed_.free_some());
    EXPECT_EQ(bytes->size().value(), left);
  }
  EXPECT_TRUE(removed_.empty());
  EXPECT_FALSE(removed_.free_some());
}

TEST_F(retired_files_test, nothing_is_cut_that_somebody_reads_and_nobody_waits_for_that) {
  const auto read = write("d/read", 10), other = write("d/other", 10);
  auto readers = std::make_shared<char>();
  ASSERT_TRUE(removed_.add(files_, "d/read", readers).ok());
  ASSERT_TRUE(removed_.add(files_, "d/other").ok());
  EXPECT_TRUE(removed_.free_some());
  EXPECT_EQ(other->size().value(), 0u);
  EXPECT_FALSE(removed_.free_some());
  removed_.free_all();
  EXPECT_EQ(read->size().value(), 10u);
  readers.reset();
  EXPECT_TRUE(removed_.free_some());
  EXPECT_EQ(read->size().value(), 0u);
  EXPECT_TRUE(removed_.empty());
}

TEST_F(retired_files_test, where_room_is_missing_all_that_nobody_reads_goes_at_once) {
  write("d/one", 3 * piece), write("d/other", 10);
  ASSERT_TRUE(removed_.add(files_, "d/one").ok());
  ASSERT_TRUE(removed_.add(files_, "d/other").ok());
  removed_.free_all();
  EXPECT_TRUE(removed_.empty());
}

TEST_F(retired_files_test, one_that_cannot_be_cut_is_in_no_others_way) {
  const auto one = write("d/one", 10), other = write("d/other", 10);
  ASSERT_TRUE(removed_.add(files_, "d/one").ok());
  ASSERT_TRUE(removed_.add(files_, "d/other").ok());
  files_.set_fault([](std::string_view call, const std::string& path) {
    return call == "truncate" && path == "d/one" ? absl::UnavailableError("input/output error")
                                                 : absl::OkStatus();
  });
  EXPECT_TRUE(removed_.free_some());
  EXPECT_TRUE(removed_.free_some());
  EXPECT_EQ(other->size().value(), 0u);
  EXPECT_TRUE(removed_.empty());
}

TEST_F(retired_files_test, one_that_is_not_there_or_stays_is_an_error) {
  EXPECT_TRUE(absl::IsNotFound(removed_.add(files_, "d/none")));
  const auto stays = write("d/stays", 10);
  files_.set_fault([](std::string_view call, const std::string&) {
    return call == "remove" ? absl::UnavailableError("input/output error") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnavailable(removed_.add(files_, "d/stays")));
  EXPECT_TRUE(removed_.empty());
}

}  // namespace
}  // namespace troupe::storage
