// What a refounded directory holds, and what is there when the power is cut while it is made.
#include "storage/refound.h"

#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/replay.h"
#include "storage/test_batches.h"
#include "storage/verify.h"

namespace troupe::storage {
namespace {

constexpr char dir[] = "disk/data";
constexpr leader_id reborn{term(8), node_id(3)};
const log_options small{{KiB(6), KiB(1)}, byte_count(1500)};

batch_ptr one_entry(batch_kind kind, std::string_view entry, leader_id leader,
                    const log_tail& after) {
  batch_builder builder;
  builder.add(entry);
  return builder.seal(kind, leader, after);
}

// A log that two leaders wrote, with a change of the members between.
std::vector<batch_ptr> old_log() {
  std::vector<batch_ptr> log{one_entry(batch_kind::membership, "all three", {}, {})};
  const auto add = [&](std::vector<batch_ptr> more) {
    log.insert(log.end(), more.begin(), more.end());
  };
  const auto end = [&] { return log.back()->tail(); };
  add({one_entry(batch_kind::blank, "", leader_of(2), end())});
  add(batches_after(end(), leader_of(2), 5, 3, 200));
  add({one_entry(batch_kind::membership, "all four", leader_of(2), end())});
  add(batches_after(end(), leader_of(5, 2), 5, 2, 300));
  return log;
}

// What a state machine makes of a log: the commands, with their indices.
using commands = std::vector<std::pair<log_index, std::string>>;
commands commands_in(const std::vector<batch_ptr>& log) {
  commands found;
  for (const auto& b : log) {
    if (b->kind() != batch_kind::commands) continue;
    auto index = b->first_index();
    for (const auto entry : b->entries()) {
      found.emplace_back(index, entry);
      index = index.next();
    }
  }
  return found;
}

std::vector<batch_ptr> all_of(durable_storage& s) { return s.read(log_index(1), no_bound).value(); }

class refound_test : public testing::Test {
 protected:
  void SetUp() override { set_up(files_); }

  static void set_up(memory_env& files) {
    ASSERT_TRUE(files.create_dirs("disk").ok());
    auto made = durable_storage::open(
        files, {.dir = dir, .node = node_id(3), .incarnation = 4711, .log = small});
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_TRUE((*made)->append(old_log()).ok());
    ASSERT_TRUE((*made)->save_vote({leader_of(7, 2), false}).ok());
  }

  static refounding plan() {
    return {815, one_entry(batch_kind::membership, "node 3 alone", {}, {}), reborn, "it was so"};
  }

  // All that an operator's command does, from the start.
  static absl::Status recover(memory_env& files) {
    auto found = open_for_verification(files, dir);
    if (!found.ok()) return found.status();
    const auto interrupted = refounding_interrupted(files, dir);
    if (!interrupted.ok()) return interrupted.status();
    return *interrupted ? finish_refounding(files, dir)
                        : refound(files, **found, dir, plan(), small);
  }

  static void expect_old(memory_env& files, const std::string& at) {
    const auto found = open_for_verification(files, at);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ((*found)->incarnation(), 4711u);
    EXPECT_EQ((*found)->saved_vote(), (vote{leader_of(7, 2), false}));
    EXPECT_EQ((*found)->tail(), old_log().back()->tail());
  }

  static void expect_new(memory_env& files) {
    const auto found = open_for_verification(files, dir);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ((*found)->owner(), (identity{node_id(3), 815}));
    EXPECT_EQ((*found)->saved_vote(), (vote{reborn, true}));
    EXPECT_FALSE((*found)->joined());
    const auto log = all_of(**found);
    EXPECT_EQ(log.front()->bytes(), plan().first->bytes());
    EXPECT_EQ(commands_in(log), commands_in(old_log()));
    EXPECT_EQ(log.size(), old_log().size());
    for (const auto& b : std::span(log).subspan(1)) {
      EXPECT_EQ(b->leader(), reborn);
      EXPECT_NE(b->kind(), batch_kind::membership);
    }
  }

  static std::string content(memory_env& files, const std::string& path) {
    const auto from = files.open(path, open_mode::existing);
    return from.ok() ? (*from)->read(0, 100).value() : std::string(from.status().message());
  }

  memory_env files_;
};

TEST_F(refound_test, all_commands_keep_their_indices_and_nothing_else_of_the_old_cluster_is_left) {
  ASSERT_TRUE(recover(files_).ok());
  expect_new(files_);
  expect_old(files_, put_aside(dir));
  EXPECT_EQ(content(files_, "disk/data/RECOVERED"), "it was so");
  EXPECT_TRUE(absl::IsNotFound(files_.list("disk/data.recovering").status()));
}

TEST_F(refound_test, a_directory_that_was_put_aside_is_never_replaced) {
  ASSERT_TRUE(recover(files_).ok());
  const auto again = recover(files_);
  EXPECT_TRUE(absl::IsFailedPrecondition(again)) << again;
  expect_new(files_);
  expect_old(files_, put_aside(dir));
}

TEST_F(refound_test, a_directory_that_it_did_not_make_is_left_alone) {
  ASSERT_TRUE(files_.create_dirs("disk/data.recovering").ok());
  ASSERT_TRUE(files_.open("disk/data.recovering/mine", open_mode::create).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(recover(files_)));
  EXPECT_EQ(files_.list("disk/data.recovering")->size(), 1u);
  expect_old(files_, dir);
}

TEST_F(refound_test, a_disk_that_fills_is_given_back_what_was_written) {
  const auto used = files_.used();
  files_.set_capacity(used + KiB(10).value);
  const auto full = recover(files_);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_LE(files_.used(), used);
  EXPECT_FALSE(refounding_interrupted(files_, dir).value());
  expect_old(files_, dir);
}

TEST_F(refound_test, a_file_system_that_exchanges_no_names_changes_nothing) {
  files_.set_fault([](std::string_view call, const std::string&) {
    return call == "exchange" ? absl::UnimplementedError("none") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnimplemented(recover(files_)));
  EXPECT_FALSE(refounding_interrupted(files_, dir).value());
  expect_old(files_, dir);
  files_.set_fault(nullptr);
  EXPECT_TRUE(recover(files_).ok());
  expect_new(files_);
}

bool is_new(memory_env& files) { return read_identity(files, dir).value()->incarnation == 815; }

class interrupted_test : public refound_test, public testing::WithParamInterface<bool> {
 protected:
  // Until `call`: then the power is off, or no more than the process is gone and what it did not
  // sync may be lost later. False when all was done before.
  static bool recover_until(memory_env& files, uint64_t call, bool power, uint64_t remains) {
    if (power) {
      files.power_off_at(call);
    } else {
      files.set_fault([end = files.calls() + call, &files](std::string_view, const std::string&) {
        return files.calls() < end ? absl::OkStatus() : absl::AbortedError("the process is gone");
      });
    }
    const bool done = recover(files).ok();
    if (power) files.crash(remains);
    files.set_fault(nullptr);
    return !done;
  }
  static void expect_one_of_both(memory_env& files) {
    is_new(files) ? expect_new(files) : expect_old(files, dir);
  }
};

TEST_P(interrupted_test, either_directory_is_whole_and_the_next_try_completes_it) {
  trace_nothing();
  uint64_t cuts = 0, news = 0;
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut && !HasFailure(); ++cut) {
    for (uint64_t remains = 1; remains <= 6 && !HasFailure(); ++remains) {
      SCOPED_TRACE(testing::Message() << "cut " << cut << " remains " << remains);
      memory_env files;
      set_up(files);
      was_cut = recover_until(files, cut, GetParam(), remains + 100 * cut);
      cuts += was_cut;
      news += is_new(files);
      // The second cut is one of the power, late or early.
      recover_until(files, 1 + (cut * 7 + remains * 13) % (remains < 4 ? 9 : 90), true, cut);
      expect_one_of_both(files);
      recover(files).IgnoreError();
      expect_new(files);
      expect_old(files, put_aside(dir));
      EXPECT_EQ(content(files, "disk/data/RECOVERED"), "it was so");
      EXPECT_TRUE(absl::IsNotFound(files.list("disk/data.recovering").status()));
    }
  }
  EXPECT_GT(cuts, 300u);
  EXPECT_GT(news, 10u);
}

INSTANTIATE_TEST_SUITE_P(by, interrupted_test, testing::Bool(), [](const auto& info) {
  return info.param ? "a_power_cut" : "the_end_of_its_process";
});

}  // namespace
}  // namespace troupe::storage
