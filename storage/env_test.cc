// What every env must do, on the real file system and in memory.
#include "storage/env.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/posix_env.h"

namespace troupe::storage {
namespace {

struct variant {
  const char* name;
  std::function<std::unique_ptr<env>()> make;
};

class env_test : public testing::TestWithParam<variant> {
 protected:
  env_test() : files_(GetParam().make()) {
    const char* tmp = std::getenv("TEST_TMPDIR");
    static int counter = 0;
    dir_ = (tmp ? std::string(tmp) : testing::TempDir()) + "/env-" + std::to_string(::getpid()) +
           "-" + std::to_string(++counter);
    EXPECT_TRUE(files_->create_dirs(dir_).ok());
  }
  std::string path(const char* name) const { return dir_ + "/" + name; }
  std::unique_ptr<file> make(const char* name) {
    auto made = files_->open(path(name), open_mode::create);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  std::unique_ptr<env> files_;
  std::string dir_;
};

TEST_P(env_test, no_file_is_where_a_program_prints) {
  for (const int standard : {STDIN_FILENO, STDERR_FILENO}) {
    const int kept = ::dup(standard);
    ::close(standard);
    const auto f = make(standard == STDIN_FILENO ? "f" : "g");
    const auto printed = ::write(standard, "message", 7);
    ::dup2(kept, standard);
    ::close(kept);
    EXPECT_LT(printed, 0) << standard;
    EXPECT_EQ(*f->size(), 0u);
    EXPECT_TRUE(f->write(0, "hello").ok());
  }
}

TEST_P(env_test, what_is_written_is_read) {
  auto f = make("f");
  EXPECT_EQ(f->path(), path("f"));
  ASSERT_TRUE(f->write(0, "hello").ok());
  ASSERT_TRUE(f->write(8, "world").ok());
  ASSERT_TRUE(f->write(1, "E").ok());
  ASSERT_TRUE(f->sync().ok());
  EXPECT_EQ(*f->size(), 13u);
  EXPECT_EQ(*f->read(0, 100), std::string("hEllo\0\0\0world", 13));
  EXPECT_EQ(*f->read(8, 3), "wor");
  EXPECT_EQ(*f->read(13, 3), "");
  EXPECT_EQ(*f->read(99, 3), "");
}

TEST_P(env_test, truncation_cuts_and_extends_with_zeros) {
  auto f = make("f");
  ASSERT_TRUE(f->write(0, "hello").ok());
  ASSERT_TRUE(f->truncate(2).ok());
  EXPECT_EQ(*f->read(0, 100), "he");
  ASSERT_TRUE(f->truncate(4).ok());
  EXPECT_EQ(*f->read(0, 100), std::string("he\0\0", 4));
  ASSERT_TRUE(f->sync().ok());
}

TEST_P(env_test, allocation_changes_neither_size_nor_content) {
  auto f = make("f");
  ASSERT_TRUE(f->write(0, "x").ok());
  ASSERT_TRUE(f->allocate(1 << 20).ok());
  EXPECT_EQ(*f->read(0, 100), "x");
}

TEST_P(env_test, opening_says_whether_the_file_must_exist) {
  EXPECT_TRUE(absl::IsNotFound(files_->open(path("f"), open_mode::existing).status()));
  ASSERT_TRUE(make("f")->write(0, "x").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files_->open(path("f"), open_mode::create).status()));
  auto again = files_->open(path("f"), open_mode::existing);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*(*again)->read(0, 5), "x");
}

TEST_P(env_test, files_are_listed_renamed_and_removed) {
  ASSERT_TRUE(make("b")->write(0, "b").ok());
  ASSERT_TRUE(make("a")->write(0, "a").ok());
  ASSERT_TRUE(files_->create_dirs(path("sub/dir")).ok());
  EXPECT_EQ(*files_->list(dir_), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(files_->rename(path("a"), path("b")).ok());
  EXPECT_EQ(*files_->list(dir_), (std::vector<std::string>{"b"}));
  EXPECT_EQ(*(*files_->open(path("b"), open_mode::existing))->read(0, 5), "a");
  ASSERT_TRUE(files_->remove(path("b")).ok());
  ASSERT_TRUE(files_->sync_dir(dir_).ok());
  EXPECT_TRUE(files_->list(dir_)->empty());
}

TEST_P(env_test, directories_are_renamed_and_exchanged_with_all_that_is_in_them) {
  ASSERT_TRUE(files_->create_dirs(path("a/log")).ok());
  ASSERT_TRUE(files_->create_dirs(path("ab")).ok());
  ASSERT_TRUE(files_->create_dirs(path("b")).ok());
  ASSERT_TRUE(make("a/log/f")->write(0, "a").ok());
  ASSERT_TRUE(make("b/g")->write(0, "b").ok());
  for (const char* dir : {"a/log", "a", "b"}) ASSERT_TRUE(files_->sync_dir(path(dir)).ok());
  const auto lock = files_->lock_dir(path("a"));
  ASSERT_TRUE(files_->exchange(path("a"), path("b")).ok());
  ASSERT_TRUE(files_->sync_dir(dir_).ok());
  EXPECT_EQ(*files_->list(path("b/log")), (std::vector<std::string>{"f"}));
  EXPECT_EQ(*files_->list(path("a")), (std::vector<std::string>{"g"}));
  EXPECT_FALSE(files_->lock_dir(path("b")).ok()) << "a lock is the directory's, not its name's";
  EXPECT_TRUE(files_->lock_dir(path("a")).ok());
  ASSERT_TRUE(files_->rename(path("b"), path("c")).ok());
  EXPECT_EQ(*files_->list(path("c/log")), (std::vector<std::string>{"f"}));
  EXPECT_TRUE(absl::IsNotFound(files_->list(path("b")).status()));
  EXPECT_TRUE(files_->list(path("ab"))->empty());
  EXPECT_TRUE(absl::IsNotFound(files_->exchange(path("a"), path("b"))));
}

TEST_P(env_test, errors_name_the_file) {
  const auto mentions = [](const absl::Status& s, const std::string& name) {
    return s.message().find(name) != absl::string_view::npos;
  };
  EXPECT_TRUE(mentions(files_->remove(path("gone")), path("gone")));
  EXPECT_TRUE(mentions(files_->rename(path("gone"), path("x")), path("gone")));
  EXPECT_TRUE(mentions(files_->open(path("gone"), open_mode::existing).status(), path("gone")));
  const auto nowhere = files_->list(path("gone")).status();
  EXPECT_TRUE(absl::IsNotFound(nowhere));
  EXPECT_TRUE(mentions(nowhere, path("gone")));
  EXPECT_TRUE(absl::IsNotFound(files_->open(path("gone/f"), open_mode::create).status()));
}

TEST_P(env_test, a_directory_has_one_user_at_a_time) {
  auto lock = files_->lock_dir(dir_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto second = files_->lock_dir(dir_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second));
  EXPECT_EQ(second.message(), "directory " + dir_ + " is in use by another process");
  lock->reset();
  EXPECT_TRUE(files_->lock_dir(dir_).ok());
}

TEST(posix_env_test, a_path_of_far_too_many_folders_is_refused) {
  std::string deep;
  for (int i = 0; i < 500'000; ++i) deep += "a/";
  EXPECT_FALSE(make_posix_env()->create_dirs(deep).ok());
}

INSTANTIATE_TEST_SUITE_P(
    envs, env_test,
    testing::Values(variant{"posix", [] { return make_posix_env(); }},
                    variant{"posix_without_sync", [] { return make_posix_env(sync_mode::never); }},
                    variant{"memory", [] { return std::make_unique<memory_env>(); }}),
    [](const auto& info) { return info.param.name; });

// As files of a disk that cannot be written cannot: a program that runs is one.
TEST(posix_env_test, what_is_only_read_need_not_be_writable) {
  const auto files = make_posix_env(sync_mode::always);
  EXPECT_FALSE(files->open("/proc/self/exe", open_mode::existing).ok());
  const auto program = files->open("/proc/self/exe", open_mode::reading);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ((*program)->read(1, 3).value(), "ELF");
}

}  // namespace
}  // namespace troupe::storage
