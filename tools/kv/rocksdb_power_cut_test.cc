// After a power cut at any call of the file system the machine on RocksDB has a whole state, says
// which entry of the log it ends with, and goes on from there.
//
// A failure prints the call; TROUPE_CUT=<call> runs that one.
#include <atomic>
#include <functional>
#include <optional>

#include <gtest/gtest.h>

#include "rocksdb/env.h"
#include "storage/memory_env.h"
#include "storage/rocksdb_on_env.h"
#include "tools/kv/any_machine.h"
#include "tools/kv/random_commands.h"
#include "tools/kv/rocksdb_machine.h"

namespace troupe::kv {
namespace {

struct no_log final : rocksdb::Logger {
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// A machine on a disk that loses its power.
class machine_on_memory {
 public:
  machine_on_memory() : env_(storage::make_rocksdb_env(files)) {}

  absl::Status open() {
    machine = nullptr;
    rocksdb_machine_options o;
    o.dir = "machine";
    o.incarnation = 1;
    // Memtables so small that a test crosses many.
    o.database = options_for_a_machine({.cache = 1 << 20, .write_buffer = 64 << 10});
    o.database.env = env_.get();
    o.database.db_write_buffer_size = 16 << 10;
    o.database.max_file_opening_threads = 1;
    o.database.info_log = std::make_shared<no_log>();
    auto opened = rocksdb_machine::open(std::move(o));
    if (opened.ok()) machine = *std::move(opened);
    return opened.status();
  }
  // Its process ends, and whatever was not durable is gone, or not.
  void crash(uint64_t seed) {
    machine = nullptr;
    files.crash(seed);
  }
  // Near the beginning of each, where keys are.
  void damage_tables() {
    const auto names = *files.list("machine/state");
    for (const auto& name : names) {
      if (!name.ends_with(".sst")) continue;
      const auto file = *files.open("machine/state/" + name, storage::open_mode::existing);
      ASSERT_TRUE(file->write(10, "some other bytes").ok());
    }
  }

  storage::memory_env files;

 private:
  const std::unique_ptr<rocksdb::Env> env_;

 public:
  std::unique_ptr<rocksdb_machine> machine;
};

// A log of batches, and what a machine is behind each of them.
struct script {
  script(uint64_t seed, int batches) {
    random_commands random(seed, 40, 20'000);
    any_machine model(machine_kind::memory);
    states.emplace(log_index(0), picture_of(model));
    for (int i = 0; i < batches; ++i) {
      frames commands;
      for (uint64_t n = 1 + random.pick(30); n > 0; --n) commands.add(random.write());
      firsts.push_back(model.applied().next());
      model.apply(commands);
      log.push_back(std::move(commands));
      states.emplace(model.applied(), picture_of(model));
    }
    snapshot = read_all(*model.get().begin_snapshot());
  }
  // Applies what the machine does not have. Throws when the power fails.
  void play(rocksdb_machine& m) const {
    for (size_t i = 0; i < log.size(); ++i) {
      if (firsts[i] <= m.applied()) continue;
      frames results;
      m.apply(firsts[i], log[i], results);
      if (i % 16 == 7) {
        const auto source = m.begin_snapshot();
        if (source != nullptr && i % 32 == 7) source->next().IgnoreError();
      }
    }
  }
  log_index end() const { return states.rbegin()->first; }

  std::vector<frames> log;
  std::vector<log_index> firsts;
  std::map<log_index, picture> states;
  std::string snapshot;
};

// Does `what` with the power failing at a call, for one call after another until none is left.
void at_each_call(const std::function<bool(uint64_t call)>& what) {
  if (const char* one = std::getenv("TROUPE_CUT")) {
    what(std::stoull(one));
    return;
  }
  for (uint64_t call = 1; !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE("TROUPE_CUT=" + std::to_string(call));
    if (!what(call)) return;
  }
}

TEST(rocksdb_power_cut_test, what_is_left_is_a_whole_state_and_goes_on) {
  const script s(1, 60);
  uint64_t cuts = 0;
  std::map<log_index, int> left;
  at_each_call([&](uint64_t call) {
    machine_on_memory m;
    m.files.power_off_at(call);
    try {
      if (m.open().ok()) s.play(*m.machine);
    } catch (const std::exception&) {
    }
    const bool cut = m.files.power_is_off();
    m.crash(call);
    for (int again = 0; again < 2; ++again) {
      const auto opened = m.open();
      EXPECT_TRUE(opened.ok()) << opened;
      if (!opened.ok()) return false;
      const auto applied = m.machine->applied();
      if (again == 0) ++left[applied];
      EXPECT_TRUE(s.states.contains(applied)) << applied;
      EXPECT_TRUE(picture_of(*m.machine) == s.states.at(applied)) << applied;
      s.play(*m.machine);
      EXPECT_TRUE(picture_of(*m.machine) == s.states.at(s.end()));
    }
    ++cuts;
    return cut;
  });
  if (std::getenv("TROUPE_CUT")) return;
  EXPECT_GT(cuts, 100u);
  EXPECT_GT(left.size(), 10u) << "the power fails too early or too late to tell";
}

// `snapshot` takes the place of a state; the power fails meanwhile.
void restore_under_cuts(const script& s, const script& old, const std::string& snapshot) {
  std::map<log_index, int> left;
  at_each_call([&](uint64_t call) {
    machine_on_memory m;
    EXPECT_TRUE(m.open().ok());
    old.play(*m.machine);
    m.machine = nullptr;
    EXPECT_TRUE(m.open().ok());
    m.files.power_off_at(call);
    bytes_source from(snapshot, 5000, s.end());
    try {
      m.machine->restore(from).IgnoreError();
    } catch (const std::exception&) {
    }
    const bool cut = m.files.power_is_off();
    m.crash(call);
    const auto opened = m.open();
    EXPECT_TRUE(opened.ok()) << opened;
    if (!opened.ok()) return false;
    const auto applied = m.machine->applied();
    ++left[applied];
    const auto now = picture_of(*m.machine);
    if (applied == s.end())
      EXPECT_TRUE(now == s.states.at(s.end()));
    else if (applied == old.end())
      EXPECT_TRUE(now == old.states.at(old.end()));
    else
      EXPECT_TRUE(!applied && now == picture()) << applied;
    // The node restores again what is not there yet.
    bytes_source again(snapshot, 5000, s.end());
    EXPECT_TRUE(applied == s.end() || m.machine->restore(again).ok());
    EXPECT_TRUE(picture_of(*m.machine) == s.states.at(s.end()));
    return cut;
  });
  if (std::getenv("TROUPE_CUT")) return;
  EXPECT_GT(left[old.end()], 10);
  EXPECT_GT(left[s.end()], 1);
}

TEST(rocksdb_power_cut_test, a_restore_from_memory_leaves_the_old_state_the_new_one_or_none) {
  const script s(2, 40), old(3, 20);
  restore_under_cuts(s, old, s.snapshot);
}

TEST(rocksdb_power_cut_test, a_restore_of_files_leaves_the_old_state_the_new_one_or_none) {
  const script s(4, 40), old(5, 20);
  machine_on_memory m;
  ASSERT_TRUE(m.open().ok());
  s.play(*m.machine);
  restore_under_cuts(s, old, read_all(*m.machine->begin_snapshot()));
}

// -- a disk that fails ----------------------------------------------------------------------------

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST(rocksdb_power_cut_test, a_disk_that_cannot_be_written_ends_the_machine_and_loses_nothing) {
  const script s(7, 60);
  std::atomic<bool> broken = false;  // asked until the database is closed
  machine_on_memory m;
  ASSERT_TRUE(m.open().ok());
  m.files.set_fault([&](std::string_view call, const std::string& path) {
    const bool fails = broken && call == "write" && path.ends_with(".sst");
    return fails ? absl::InternalError("it does not write " + path) : absl::OkStatus();
  });
  broken = true;
  const auto said = error_of([&] {
    for (int round = 0; round < 100; ++round) s.play(*m.machine), m.machine->skip(s.end());
  });
  EXPECT_NE(said.find("the machine's database machine/state: "), std::string::npos) << said;
  EXPECT_NE(said.find("it does not write"), std::string::npos) << said;
  EXPECT_NE(error_of([&] { m.machine->skip(s.end() + 1); }), "") << "it is final";
  broken = false;
  ASSERT_TRUE(m.open().ok());
  EXPECT_TRUE(picture_of(*m.machine) == s.states.at(m.machine->applied()));
  s.play(*m.machine);
  EXPECT_TRUE(picture_of(*m.machine) == s.states.at(s.end()));
}

TEST(rocksdb_power_cut_test, damage_that_is_met_ends_the_machine_once_and_says_what_to_do) {
  machine_on_memory m;
  ASSERT_TRUE(m.open().ok());
  std::mt19937_64 random(1);
  frames commands, results;
  for (int i = 0; i < 40; ++i) {
    std::string bytes, value;
    for (int n = 0; n < 100; ++n) value += std::to_string(random());
    encode(op::set, 0, std::vector<std::string_view>{std::to_string(i), value}, bytes);
    commands.add(bytes);
  }
  m.machine->apply(log_index(1), commands, results);
  m.machine = nullptr;
  // Keys are at the beginning of a table. What is read at the start is not.
  m.damage_tables();
  ASSERT_TRUE(m.open().ok());
  ASSERT_EQ(m.machine->applied(), log_index(40)) << "it was met too early";
  const auto said = error_of([&] {
    for (int i = 0; i < 40; ++i) {
      std::string question;
      encode(op::get, 0, std::vector<std::string_view>{std::to_string(i)}, question);
      m.machine->query(question, results);
    }
  });
  EXPECT_NE(said.find("start the node again, which makes a new one"), std::string::npos) << said;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(m.open().ok());
    EXPECT_EQ(m.machine->applied(), log_index(i == 0 ? 0 : 40));
    if (i == 0) m.machine->apply(log_index(1), commands, results);
    EXPECT_EQ(contents(m.machine->data()).size(), 40u);
  }
}

// Nobody else shall get it, and commands that never meet it are no reason to go on with it.
TEST(rocksdb_power_cut_test, a_table_that_has_changed_gets_into_no_snapshot_and_ends_the_machine) {
  machine_on_memory m;
  ASSERT_TRUE(m.open().ok());
  frames commands, results;
  std::string bytes;
  encode(op::set, 0, std::vector<std::string_view>{"key", std::string(5000, 'x')}, bytes);
  commands.add(bytes);
  m.machine->apply(log_index(1), commands, results);
  const auto read_all = [&](snapshot_source& from) {
    for (;;) {
      const auto piece = from.next();
      if (!piece.ok() || piece->empty()) return piece.status();
    }
  };
  EXPECT_TRUE(read_all(*m.machine->begin_snapshot()).ok());
  m.damage_tables();
  const auto read = read_all(*m.machine->begin_snapshot());
  EXPECT_TRUE(absl::IsDataLoss(read)) << read;
  EXPECT_THROW(m.machine->skip(log_index(2)), std::exception);
  ASSERT_TRUE(m.open().ok());
  EXPECT_EQ(m.machine->applied(), log_index(0));
}

TEST(rocksdb_power_cut_test, without_room_no_snapshot_is_begun_and_nothing_is_lost) {
  const script s(6, 30);
  storage::memory_env files;
  uint64_t capacity = UINT64_MAX;
  const auto env = storage::make_rocksdb_env(files, &capacity);
  rocksdb_machine_options o;
  o.dir = "machine";
  o.database = options_for_a_machine({.cache = 1 << 20, .write_buffer = 1 << 20});
  o.database.env = env.get();
  o.database.info_log = std::make_shared<no_log>();
  const auto m = *rocksdb_machine::open(o);
  s.play(*m);
  ASSERT_NE(m->begin_snapshot(), nullptr);
  capacity = files.used() + (1 << 20);
  EXPECT_EQ(m->begin_snapshot(), nullptr);
  EXPECT_TRUE(picture_of(*m) == s.states.at(s.end()));
  capacity = UINT64_MAX;
  EXPECT_NE(m->begin_snapshot(), nullptr);
}

}  // namespace
}  // namespace troupe::kv
