// What is true of the machine on RocksDB alone. What both machines answer: machine_test and others.
#include "tools/kv/rocksdb_machine.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tools/kv/any_machine.h"
#include "tools/kv/random_commands.h"
#include "tools/kv/rocksdb_snapshot.h"

namespace troupe::kv {
namespace {

using namespace std::string_view_literals;

namespace fs = std::filesystem;

constexpr auto memory = machine_kind::memory, rocksdb = machine_kind::rocksdb;

std::string scan(any_machine& m, uint64_t cursor, uint64_t count) {
  const auto at = encode_number(static_cast<int64_t>(cursor));
  const auto n = encode_number(static_cast<int64_t>(count));
  return m.run(op::scan, {at, n, "*1*"});
}

// The cursor of a page.
uint64_t next_of(const std::string& page) {
  return std::stoull(page.substr(page.find("\r\n", 4) + 2));
}

// -- the same answers -----------------------------------------------------------------------------

// TROUPE_SEED=n runs that one.
TEST(rocksdb_machine_test, it_answers_with_the_same_bytes_as_the_machine_in_memory) {
  const char* given = std::getenv("TROUPE_SEED");
  const uint64_t first = given ? std::stoull(given) : 1, last = given ? first : 25;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
    random_commands random(seed, 20 + seed % 5 * 100, 40'000);
    any_machine one(memory), other(rocksdb);
    for (int round = 0; round < 60; ++round) {
      frames commands;
      for (uint64_t n = random.pick(60); n > 0; --n) commands.add(random.write());
      ASSERT_EQ(one.apply(commands).bytes(), other.apply(commands).bytes());
      if (random.pick(5) == 0) other.reopen();
      for (int n = 0; n < 5; ++n) {
        const auto question = random.question();
        ASSERT_EQ(one.query(question), other.query(question));
      }
      uint64_t cursor = random.pick(store::hash_limit);
      for (int n = 0; n < 3 && cursor != 0; ++n) {
        const uint64_t count = 1 + random.pick(40);
        const auto page = scan(one, cursor, count);
        ASSERT_EQ(page, scan(other, cursor, count));
        cursor = next_of(page);
      }
    }
    for (uint64_t cursor = 0, begun = false; !begun || cursor != 0; begun = true) {
      const auto page = scan(one, cursor, 1 + seed % 9);
      ASSERT_EQ(page, scan(other, cursor, 1 + seed % 9));
      cursor = next_of(page);
    }
    ASSERT_TRUE(picture_of(one) == picture_of(other));
  }
}

TEST(rocksdb_machine_test, a_long_value_grows_and_shrinks_as_one_in_memory) {
  any_machine one(memory), other(rocksdb);
  std::mt19937_64 random(3);
  const auto both = [&](op what, const std::vector<std::string_view>& args) {
    ASSERT_EQ(one.run(what, args), other.run(what, args));
    ASSERT_EQ(one.run(op::get, {"k"}), other.run(op::get, {"k"}));
  };
  for (int i = 0; i < 300; ++i) {
    // Around the sizes where one form ends and the other begins.
    const size_t size = random() % 4 * 16'384 + random() % 3 + (i % 2 == 0 ? 0 : random() % 500);
    const std::string bytes(size, static_cast<char>('a' + random() % 26));
    random() % 3 == 0 ? both(op::set, {"k", bytes}) : both(op::append, {"k", bytes});
    if (random() % 10 == 0) both(op::del, {"k"});
    if (random() % 10 == 0) other.reopen();
  }
  both(op::set, {"k", "short"});
  EXPECT_TRUE(picture_of(one) == picture_of(other));
}

TEST(rocksdb_machine_test, nothing_of_what_was_flushed_comes_back) {
  any_machine m(rocksdb);
  const std::string value(100'000, 'x');
  for (const int keys : {10, 3000}) {
    for (int i = 0; i < keys; ++i) m.run(op::set, {std::to_string(i), i % 100 == 0 ? value : "y"});
    frames commands;
    std::string bytes;
    encode(op::set, 0, std::vector<std::string_view>{"before", "1"}, bytes), commands.add(bytes);
    encode(op::flush_all, 0, std::vector<std::string_view>{}, bytes), commands.add(bytes);
    encode(op::set, 0, std::vector<std::string_view>{"after", "2"}, bytes), commands.add(bytes);
    encode(op::append, 0, std::vector<std::string_view>{"0", "z"}, bytes), commands.add(bytes);
    m.apply(commands);
    const std::map<std::string, std::string> expected{{"after", "2"}, {"0", "z"}};
    EXPECT_EQ(contents(m.data()), expected);
    m.reopen();
    EXPECT_EQ(contents(m.data()), expected);
    EXPECT_EQ(m.run(op::dbsize, {}), ":2\r\n");
  }
}

// -- whose state it is ----------------------------------------------------------------------------

class rocksdb_directory_test : public testing::Test {
 protected:
  ~rocksdb_directory_test() override { fs::remove_all(dir_); }

  std::unique_ptr<rocksdb_machine> open(uint64_t log) {
    rocksdb_machine_options o;
    o.dir = dir_;
    o.incarnation = log;
    auto opened = rocksdb_machine::open(std::move(o));
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  void set(rocksdb_machine& m, log_index at, std::string_view key) {
    std::string bytes;
    encode(op::set, 0, std::vector<std::string_view>{key, "v"}, bytes);
    frames commands, results;
    commands.add(bytes);
    m.apply(at, commands, results);
  }

  const std::string dir_ = testing::TempDir() + "directory";
};

TEST_F(rocksdb_directory_test, it_knows_what_it_has_applied) {
  set(*open(1), log_index(7), "k");
  EXPECT_EQ(open(1)->applied(), log_index(7));
  open(1)->skip(log_index(9));
  const auto m = open(1);
  EXPECT_EQ(m->applied(), log_index(9));
  EXPECT_EQ(m->data().size(), 1u);
}

TEST_F(rocksdb_directory_test, the_state_of_another_log_is_thrown_away) {
  set(*open(1), log_index(7), "k");
  const auto m = open(2);
  EXPECT_EQ(m->applied(), log_index(0));
  EXPECT_EQ(m->data().size(), 0u);
}

TEST_F(rocksdb_directory_test, a_state_that_does_not_open_is_thrown_away) {
  for (const auto* damage : {"CURRENT", "MANIFEST", ".sst", "header", "missing"}) {
    SCOPED_TRACE(damage);
    set(*open(1), log_index(7), "k");
    if (damage == std::string("header")) {
      ::rocksdb::DB* db = nullptr;
      ASSERT_TRUE(::rocksdb::DB::Open(options_for_a_machine(), dir_ + "/state", &db).ok());
      ASSERT_TRUE(db->Put({}, header_key, "of another version").ok());
      delete db;
    }
    for (const auto& file : fs::directory_iterator(dir_ + "/state"))
      if (file.path().string().find(damage) != std::string::npos) fs::resize_file(file.path(), 5);
    if (damage == std::string("missing"))
      for (const auto& file : fs::directory_iterator(dir_ + "/state"))
        if (file.path().extension() == ".sst") fs::remove(file.path());
    const auto m = open(1);
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(m->applied(), log_index(0));
    EXPECT_EQ(m->data().size(), 0u);
  }
}

TEST_F(rocksdb_directory_test, it_can_start_anew) {
  const auto m = open(1);
  set(*m, log_index(7), "k");
  ASSERT_TRUE(m->start_anew().ok());
  EXPECT_EQ(m->applied(), log_index(0));
  set(*m, log_index(1), "k");
  EXPECT_EQ(m->data().size(), 1u);
}

// -- snapshots ------------------------------------------------------------------------------------

TEST(rocksdb_machine_test, it_takes_the_snapshot_of_a_machine_in_memory) {
  random_commands random(5, 300, 40'000);
  any_machine one(memory), other(rocksdb);
  for (int i = 0; i < 3000; ++i) one.apply(random.write());
  other.run(op::set, {"what was before", ""});
  bytes_source from(read_all(*one.get().begin_snapshot()), 5000, one.applied());
  ASSERT_TRUE(other.restore(from).ok());
  EXPECT_TRUE(picture_of(one) == picture_of(other));
  EXPECT_EQ(other.get().applied(), one.applied());
  other.reopen();
  EXPECT_TRUE(picture_of(one) == picture_of(other));
  EXPECT_EQ(other.get().applied(), one.applied());
  for (int i = 0; i < 500; ++i) {
    const auto command = random.write();
    ASSERT_EQ(one.apply(command), other.apply(command));
  }
}

TEST(rocksdb_machine_test, the_machine_in_memory_says_what_to_do_with_a_snapshot_of_this_one) {
  any_machine one(memory), other(rocksdb);
  other.run(op::set, {"k", "v"});
  const auto refused = one.get().restore(*other.get().begin_snapshot());
  EXPECT_TRUE(absl::IsUnimplemented(refused));
  EXPECT_NE(refused.message().find("start this node with --machine=rocksdb"),
            absl::string_view::npos);
}

TEST(rocksdb_machine_test, a_restored_state_belongs_to_the_log_of_its_node) {
  any_machine one(rocksdb), other(rocksdb);
  one.run(op::set, {"k", "v"});
  // A snapshot may end behind the last command.
  bytes_source from(read_all(*one.get().begin_snapshot()), 5000, log_index(40));
  ASSERT_TRUE(other.restore(from).ok());
  EXPECT_EQ(other.get().applied(), log_index(40));
  other.reopen();
  EXPECT_EQ(other.get().applied(), log_index(40));
  EXPECT_EQ(other.run(op::get, {"k"}), "$1\r\nv\r\n");
}

TEST(rocksdb_machine_test, a_state_from_behind_the_end_of_its_snapshot_is_refused) {
  any_machine one(rocksdb), other(rocksdb);
  for (int i = 0; i < 5; ++i) one.run(op::set, {"k", "v"});
  bytes_source from(read_all(*one.get().begin_snapshot()), 5000, log_index(4));
  EXPECT_TRUE(absl::IsDataLoss(other.get().restore(from)));
}

TEST(rocksdb_machine_test, a_snapshot_leaves_no_files_behind) {
  any_machine m(rocksdb);
  m.run(op::set, {"k", "v"});
  {
    const auto source = m.get().begin_snapshot();
    ASSERT_NE(source, nullptr);
    EXPECT_TRUE(fs::exists(m.dir() + "/checkpoint"));
  }
  EXPECT_FALSE(fs::exists(m.dir() + "/checkpoint"));
  for (const auto* name : {"checkpoint", "checkpoint.tmp", "incoming", "old"}) {
    fs::create_directory(m.dir() + "/" + name);
    std::ofstream(m.dir() + "/" + name + "/000007.sst") << "left by a crash";
  }
  m.reopen();
  for (const auto& entry : fs::directory_iterator(m.dir()))
    EXPECT_EQ(entry.path().filename(), "state");
  EXPECT_EQ(m.run(op::get, {"k"}), "$1\r\nv\r\n");
}

TEST(rocksdb_machine_test, only_names_of_a_database_are_taken) {
  for (const auto* good : {"CURRENT", "MANIFEST-000012", "000007.sst", "7.sst"})
    EXPECT_TRUE(is_name_of_database(good)) << good;
  for (const std::string_view bad :
       {""sv, "."sv, ".."sv, "/etc/passwd"sv, "../state/CURRENT"sv, "CURRENT/"sv, "a.sst"sv,
        ".sst"sv, "-1.sst"sv, "MANIFEST-"sv, "MANIFEST-../x"sv, "MANIFEST-1.sst"sv, "1.sst/2.sst"sv,
        "OPTIONS-000005"sv, "LOCK"sv, "000001.log"sv, "1\0.sst"sv})
    EXPECT_FALSE(is_name_of_database(bad)) << bad;
}

// A file of a snapshot, as rocksdb_snapshot.h says.
std::string file_of(const std::string& name, const std::string& bytes, uint64_t size) {
  std::string file(1, 1);
  put_number(file, static_cast<uint32_t>(name.size()));
  put_number(file, size);
  return file + name + bytes;
}

TEST(rocksdb_machine_test, a_snapshot_with_impossible_names_and_lengths_writes_nothing_elsewhere) {
  any_machine m(rocksdb);
  m.run(op::set, {"k", "v"});
  const std::string end = std::string(1, 2) + std::string("\1\0\0\0\0\0\0\0", 8);
  const std::string long_name(100'000, '7');
  for (const auto& files :
       {file_of("../state/CURRENT", "x", 1) + end, file_of("../../stolen.sst", "x", 1) + end,
        file_of(long_name, "x", 1) + end, file_of("7.sst", "x", UINT64_MAX) + end,
        file_of("7.sst", "x", 1) + file_of("7.sst", "x", 1) + end, file_of("7.sst", "xx", 1) + end,
        file_of("7.sst", "x", 1), file_of("7.sst", "x", 1) + end, end, end + "x"}) {
    bytes_source from("TROUPER1" + files, 1000, log_index(9));
    EXPECT_FALSE(m.get().restore(from).ok());
    EXPECT_FALSE(fs::exists(m.dir() + "/../stolen.sst"));
  }
  m.reopen();
  EXPECT_EQ(m.run(op::get, {"k"}), "$1\r\nv\r\n") << "the old state is there until the new one is";
}

}  // namespace
}  // namespace troupe::kv
