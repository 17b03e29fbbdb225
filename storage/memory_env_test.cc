// What a power cut does, and how tests provoke failures.
#include "storage/memory_env.h"

#include <set>

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

class memory_env_test : public testing::Test {
 protected:
  memory_env_test() { EXPECT_TRUE(files_.create_dirs("d").ok()); }

  std::unique_ptr<file> make(const std::string& path) {
    return *files_.open(path, open_mode::create);
  }
  std::string content(const std::string& path) {
    auto f = files_.open(path, open_mode::existing);
    return f.ok() ? *(*f)->read(0, 1 << 20) : "absent";
  }
  // A file that holds "old" for certain, in the directory for certain.
  void make_durable(const std::string& path) {
    auto f = make(path);
    EXPECT_TRUE(f->write(0, "old").ok());
    EXPECT_TRUE(f->sync().ok());
    EXPECT_TRUE(files_.sync_dir("d").ok());
  }

  memory_env files_;
};

TEST_F(memory_env_test, what_was_synced_survives_every_crash) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string path = "d/" + std::to_string(seed);
    make_durable(path);
    files_.crash(seed);
    EXPECT_EQ(content(path), "old");
  }
}

TEST_F(memory_env_test, what_was_not_synced_survives_in_any_mix_of_sectors) {
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    memory_env files;
    ASSERT_TRUE(files.create_dirs("d").ok());
    auto f = *files.open("d/f", open_mode::create);
    ASSERT_TRUE(f->write(0, std::string(1024, '-')).ok());
    ASSERT_TRUE(f->sync().ok());
    ASSERT_TRUE(files.sync_dir("d").ok());
    ASSERT_TRUE(f->write(500, std::string(24, 'x')).ok());
    files.crash(seed);
    const auto left = *(*files.open("d/f", open_mode::existing))->read(500, 24);
    seen.insert(left);
  }
  const std::string lost(12, '-'), kept(12, 'x');
  EXPECT_EQ(seen, (std::set<std::string>{lost + lost, lost + kept, kept + lost, kept + kept}));
}

TEST_F(memory_env_test, names_survive_by_themselves_until_the_directory_is_synced) {
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    memory_env files;
    ASSERT_TRUE(files.create_dirs("d").ok());
    for (const char* name : {"d/removed", "d/from"}) {
      auto f = *files.open(name, open_mode::create);
      ASSERT_TRUE(f->sync().ok());
    }
    ASSERT_TRUE(files.sync_dir("d").ok());
    ASSERT_TRUE(files.remove("d/removed").ok());
    ASSERT_TRUE(files.rename("d/from", "d/to").ok());
    ASSERT_TRUE((*files.open("d/made", open_mode::create))->sync().ok());
    files.crash(seed);
    std::string names;
    const auto listed = files.list("d");
    for (const auto& name : *listed) names += name + " ";
    seen.insert(names);
  }
  EXPECT_EQ(seen.size(), 8u) << "three changes, each kept or lost";
  EXPECT_EQ(seen.count("from made removed "), 1u);
  EXPECT_EQ(seen.count("made to "), 1u);
}

TEST_F(memory_env_test, directories_are_exchanged_wholly_or_not_at_all) {
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    memory_env files;
    for (const std::string dir : {"d/a", "d/b"}) {
      ASSERT_TRUE(files.create_dirs(dir + "/log").ok());
      for (const auto& name : {dir + "/of " + dir[2], dir + "/log/of " + dir[2]})
        ASSERT_TRUE((*files.open(name, open_mode::create))->sync().ok());
      ASSERT_TRUE(files.sync_dir(dir).ok());
      ASSERT_TRUE(files.sync_dir(dir + "/log").ok());
    }
    ASSERT_TRUE(files.exchange("d/a", "d/b").ok());
    files.crash(seed);
    std::string names;
    for (const char* dir : {"d/a", "d/a/log", "d/b", "d/b/log"}) {
      const auto listed = files.list(dir);
      for (const auto& name : *listed) names += name + ", ";
    }
    seen.insert(names);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"of a, of a, of b, of b, ", "of b, of b, of a, of a, "}));
}

TEST_F(memory_env_test, the_same_seed_leaves_the_same) {
  std::set<std::string> seen;
  for (int run = 0; run < 5; ++run) {
    memory_env files;
    ASSERT_TRUE(files.create_dirs("d").ok());
    auto f = *files.open("d/f", open_mode::create);
    ASSERT_TRUE(files.sync_dir("d").ok());
    ASSERT_TRUE(f->write(0, std::string(64 * 512, 'x')).ok());
    files.crash(3);
    seen.insert(*(*files.open("d/f", open_mode::existing))->read(0, 1 << 20));
  }
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(memory_env_test, after_the_power_cut_nothing_works_until_it_is_back) {
  make_durable("d/f");
  auto f = *files_.open("d/f", open_mode::existing);
  files_.power_off_at(2);
  EXPECT_TRUE(f->write(0, "new").ok());
  EXPECT_TRUE(absl::IsAborted(f->sync()));
  EXPECT_TRUE(files_.power_is_off());
  EXPECT_TRUE(absl::IsAborted(f->write(0, "later")));
  EXPECT_TRUE(absl::IsAborted(f->read(0, 1).status()));
  EXPECT_TRUE(absl::IsAborted(files_.list("d").status()));
  files_.crash(1);
  EXPECT_TRUE(absl::IsAborted(f->write(0, "later"))) << "the file was opened before the cut";
  const auto left = content("d/f");
  EXPECT_TRUE(left == "old" || left == "new") << left;
}

TEST_F(memory_env_test, a_crash_releases_locks) {
  auto before = files_.lock_dir("d");
  ASSERT_TRUE(before.ok());
  files_.crash(1);
  auto after = files_.lock_dir("d");
  ASSERT_TRUE(after.ok());
  before->reset();
  EXPECT_FALSE(files_.lock_dir("d").ok()) << "the old lock releases nothing of the new one";
}

TEST_F(memory_env_test, a_fault_takes_the_place_of_a_call) {
  make_durable("d/f");
  auto f = *files_.open("d/f", open_mode::existing);
  files_.set_fault([](std::string_view call, const std::string& path) {
    return call == "write" && path == "d/f" ? absl::UnknownError("bad") : absl::OkStatus();
  });
  EXPECT_EQ(f->write(0, "new"), absl::UnknownError("bad"));
  EXPECT_TRUE(f->sync().ok());
  EXPECT_EQ(content("d/f"), "old");
}

TEST_F(memory_env_test, a_fault_of_reading_takes_the_place_of_each_call_that_reads) {
  make_durable("d/f");
  auto f = *files_.open("d/f", open_mode::existing);
  std::string asked;
  files_.set_read_fault([&](std::string_view call, const std::string& path) {
    asked += std::string(call) + " " + path + ", ";
    return absl::UnknownError("bad");
  });
  EXPECT_EQ(f->read(0, 1).status(), absl::UnknownError("bad"));
  EXPECT_EQ(f->size().status(), absl::UnknownError("bad"));
  EXPECT_EQ(files_.list("d").status(), absl::UnknownError("bad"));
  EXPECT_EQ(files_.open("d/f", open_mode::existing).status(), absl::UnknownError("bad"));
  EXPECT_TRUE(f->write(0, "new").ok());
  EXPECT_EQ(asked, "read d/f, size d/f, list d, open d/f, ");
  files_.set_read_fault(nullptr);
  EXPECT_EQ(content("d/f"), "new");
}

TEST_F(memory_env_test, a_copy_has_what_is_written_and_what_is_durable_and_a_life_of_its_own) {
  make_durable("d/f");
  auto f = *files_.open("d/f", open_mode::existing);
  auto lock = files_.lock_dir("d");
  ASSERT_TRUE(f->write(0, "new").ok());
  ASSERT_TRUE(files_.rename("d/f", "d/g").ok());
  memory_env copy(files_);
  EXPECT_TRUE(copy.lock_dir("d").ok()) << "no process runs on it";
  EXPECT_EQ(*copy.list("d"), std::vector<std::string>{"g"});
  EXPECT_EQ(*(*copy.open("d/g", open_mode::existing))->read(0, 9), "new");
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    memory_env crashed(copy);
    crashed.crash(seed);
    const auto name = crashed.list("d")->front();
    seen.insert(name + "=" + *(*crashed.open("d/" + name, open_mode::existing))->read(0, 9));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"f=old", "f=new", "g=old", "g=new"}));
  ASSERT_TRUE(f->write(0, "mad").ok());
  EXPECT_EQ(*(*copy.open("d/g", open_mode::existing))->read(0, 9), "new");
}

TEST_F(memory_env_test, a_full_disk_takes_what_fits) {
  make_durable("d/f");
  auto f = *files_.open("d/f", open_mode::existing);
  files_.set_capacity(files_.used() + 4);
  EXPECT_TRUE(f->write(0, "new").ok()) << "overwriting needs no room";
  EXPECT_TRUE(absl::IsResourceExhausted(f->write(3, "123456")));
  EXPECT_EQ(content("d/f"), "new1234");
  EXPECT_TRUE(absl::IsResourceExhausted(f->allocate(100)));
}

TEST_F(memory_env_test, where_files_are_kept_in_order_a_beginning_of_the_writes_survives) {
  bool none = false, part = false, all = false;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    memory_env files;
    files.keep_files_in_order();
    ASSERT_TRUE(files.create_dirs("d").ok());
    auto f = *files.open("d/f", open_mode::create);
    ASSERT_TRUE(files.sync_dir("d").ok());
    for (uint64_t i = 0; i < 20; ++i)
      ASSERT_TRUE(
          f->write(i * memory_env::sector_size, std::string(memory_env::sector_size, 'x')).ok());
    files.crash(seed);
    f = *files.open("d/f", open_mode::existing);
    const auto left = *f->read(0, 1 << 20);
    EXPECT_EQ(left, std::string(left.size(), 'x')) << "a hole with seed " << seed;
    none |= left.empty();
    all |= left.size() == 20 * memory_env::sector_size;
    part |= !left.empty() && left.size() < 20 * memory_env::sector_size;
  }
  EXPECT_TRUE(none && part && all);
}

}  // namespace
}  // namespace troupe::storage
