#include "actors/log_join.h"

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/memory_storage.h"
#include "storage/snapshot_store.h"

namespace troupe {
namespace {

using storage::snapshot_meta;

constexpr leader_id one{term(1), node_id(1)}, two{term(2), node_id(1)};

// Entries 1 to 9, of which the first `purged` are gone.
class log_join_test : public testing::Test {
 protected:
  log_join_test() {
    for (uint64_t i = 1; i <= 9; ++i) {
      batch_builder b;
      b.add("x");
      const auto next = b.seal(batch_kind::commands, one, log_.tail());
      EXPECT_TRUE(log_.append({{next}}).ok());
      tails_.push_back(next->tail());
    }
  }
  snapshot_meta up_to(uint64_t index) const {
    return {tails_[index - 1], {}, "", tails_[0].checksum};
  }

  storage::memory_storage log_;
  std::vector<log_tail> tails_;
};

TEST_F(log_join_test, a_whole_log_needs_no_snapshot) {
  EXPECT_TRUE(join(log_, {}).ok());
  EXPECT_EQ(log_.tail(), tails_[8]);
}

TEST_F(log_join_test, a_log_that_holds_the_end_of_the_snapshot_stays_as_it_is) {
  ASSERT_TRUE(log_.purge(log_index(4)).ok());
  for (const uint64_t end : {4, 5, 9}) {
    EXPECT_TRUE(join(log_, up_to(end)).ok());
    EXPECT_EQ(log_.tail(), tails_[8]);
    EXPECT_EQ(log_.purged(), tails_[3]);
  }
}

// Scenario 58.
TEST_F(log_join_test, a_log_that_ends_before_the_snapshot_starts_again_behind_it) {
  const auto newest = up_to(9);
  ASSERT_TRUE(log_.truncate_after(log_index(5)).ok());
  EXPECT_TRUE(join(log_, newest).ok());
  EXPECT_EQ(log_.tail(), newest.last);
  EXPECT_EQ(log_.purged(), newest.last);
}

// Scenario 59.
TEST_F(log_join_test, no_old_tail_stays_behind_a_snapshot_that_it_does_not_continue) {
  const snapshot_meta newest{{{two, log_index(6)}, 77}, {}, "", tails_[0].checksum};
  EXPECT_TRUE(join(log_, newest).ok());
  EXPECT_EQ(log_.tail(), newest.last);
  EXPECT_EQ(log_.purged(), newest.last);
}

TEST_F(log_join_test, where_something_is_missing_between_the_two_it_says_what) {
  ASSERT_TRUE(log_.purge(log_index(4)).ok());
  EXPECT_EQ(join(log_, {}),
            absl::DataLossError(
                "the log begins behind entry 4, and there is no snapshot of what was before"));
  EXPECT_EQ(join(log_, up_to(3)),
            absl::DataLossError(
                "the log begins behind entry 4, and the newest snapshot ends at entry 3"));
}

// Else the log would be given up for it.
TEST_F(log_join_test, a_snapshot_of_another_cluster_is_refused_and_the_log_stays) {
  for (const uint64_t index : {3, 9, 12}) {
    auto foreign = up_to(9);
    foreign.last = {{two, log_index(index)}, 77};
    foreign.cluster += 1;
    EXPECT_TRUE(absl::IsFailedPrecondition(join(log_, foreign)));
    EXPECT_EQ(log_.tail(), tails_[8]);
  }
}

TEST(log_join_cluster_test, a_log_whose_first_entries_are_purged_still_knows_its_cluster) {
  storage::memory_env files;
  const auto log = *storage::durable_storage::open(
      files,
      {.dir = "data", .node = node_id(1), .incarnation = 5, .log = {{KiB(4), KiB(1)}, KiB(64)}});
  uint64_t cluster = 0;
  for (int i = 0; i < 30; ++i) {
    batch_builder b;
    b.add(std::string(500, 'x'));
    ASSERT_TRUE(log->append({{b.seal(batch_kind::commands, one, log->tail())}}).ok());
    if (i == 0) cluster = log->tail().checksum;
  }
  ASSERT_TRUE(log->sync().ok());
  ASSERT_TRUE(log->purge(log_index(20)).ok());
  ASSERT_TRUE(log->purged().last);
  snapshot_meta newest{log->tail(), {}, "", cluster};
  EXPECT_TRUE(join(*log, newest).ok());
  newest.cluster += 1;
  EXPECT_TRUE(absl::IsFailedPrecondition(join(*log, newest)));
}

TEST_F(log_join_test,
       of_a_snapshot_that_is_damaged_is_known_what_it_was_unless_it_is_an_older_one) {
  storage::memory_env files;
  ASSERT_TRUE(log_.purge(log_index(4)).ok());
  for (const uint64_t end : {4, 3}) {
    const auto snapshots = *storage::snapshot_store::open(files, "snapshots");
    ASSERT_TRUE((*snapshots->begin(up_to(end)))->finish().ok());
    ASSERT_TRUE(snapshots->keep().ok());
    EXPECT_EQ(find_beginning(log_, snapshots.get())->newest, up_to(end));
    ASSERT_TRUE(snapshots->set_aside("it is damaged").ok());
    const auto found = find_beginning(log_, snapshots.get());
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->lost, "it is damaged");
    EXPECT_FALSE(found->newest);
    EXPECT_EQ(found->damaged.has_value(), end == 4);
  }
  EXPECT_TRUE(absl::IsDataLoss(find_beginning(log_, nullptr).status())) << "where nobody can help";
}

TEST_F(log_join_test, a_damaged_snapshot_of_another_cluster_is_refused_as_well) {
  storage::memory_env files;
  auto foreign = up_to(9);
  foreign.cluster += 1;
  const auto snapshots = *storage::snapshot_store::open(files, "snapshots");
  ASSERT_TRUE((*snapshots->begin(foreign))->finish().ok());
  ASSERT_TRUE(snapshots->keep().ok());
  ASSERT_TRUE(snapshots->set_aside("it is damaged").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(find_beginning(log_, snapshots.get()).status()));
}

TEST(log_join_cluster_test, who_joined_by_a_snapshot_knows_its_cluster_without_it) {
  storage::memory_env files;
  const storage::durable_options options{
      .dir = "data", .node = node_id(1), .incarnation = 5, .log = {{KiB(4), KiB(1)}, KiB(64)}};
  auto log = *storage::durable_storage::open(files, options);
  const log_tail end{{one, log_index(20)}, 77};
  ASSERT_TRUE(log->save_vote({one, true}).ok());
  ASSERT_TRUE(log->reset(end).ok());
  log->came_behind(4711);
  ASSERT_TRUE(log->sync().ok());
  log.reset();
  log = *storage::durable_storage::open(files, options);
  EXPECT_EQ(log->first(), 4711u);
  EXPECT_TRUE(join(*log, snapshot_meta{end, {}, "", 4711}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(join(*log, snapshot_meta{end, {}, "", 4712})));
}

// -- with power cuts ------------------------------------------------------------------------------

// A node's files, on which the power may fail at any call.
class disk {
 public:
  absl::Status open() {
    log.reset(), snapshots.reset();
    auto opened = storage::durable_storage::open(
        files,
        {.dir = "data", .node = node_id(1), .incarnation = 5, .log = {{KiB(4), KiB(1)}, KiB(64)}});
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
    auto found = storage::snapshot_store::open(files, "data/snapshots");
    if (!found.ok()) return found.status();
    snapshots = *std::move(found);
    return absl::OkStatus();
  }
  absl::Status join_log() {
    return join(*log,
                snapshots->newest() ? std::optional(snapshots->newest()->meta) : std::nullopt);
  }
  // Durably.
  absl::Status append(leader_id leader, int count) {
    for (int i = 0; i < count; ++i) {
      batch_builder b;
      b.add(std::string(500, 'x'));
      if (auto s = log->append({{b.seal(batch_kind::commands, leader, log->tail())}}); !s.ok())
        return s;
      if (cluster == 0) cluster = log->tail().checksum;
    }
    return log->sync();
  }
  absl::Status keep_snapshot(const log_tail& end) {
    auto to = snapshots->begin({end, {}, "members", cluster});
    if (!to.ok()) return to.status();
    if (auto s = (*to)->add(std::string(3000, 's')); !s.ok()) return s;
    if (auto s = (*to)->finish(); !s.ok()) return s;
    return snapshots->keep();
  }

  storage::memory_env files;
  uint64_t cluster = 0;
  std::unique_ptr<storage::durable_storage> log;
  std::unique_ptr<storage::snapshot_store> snapshots;
};

// Cuts the power at each call of `steps` in turn; `check` looks at what is found then.
void cut_everywhere(const std::function<void(disk&)>& set_up,
                    const std::function<absl::Status(disk&)>& steps,
                    const std::function<void(disk&, bool done)>& check) {
  bool was_cut = true;
  for (uint64_t cut = 1; was_cut; ++cut) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      SCOPED_TRACE("power cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      disk d;
      ASSERT_TRUE(d.open().ok());
      set_up(d);
      d.files.power_off_at(cut);
      const bool done = steps(d).ok();
      was_cut = d.files.power_is_off();
      d.log.reset(), d.snapshots.reset();
      d.files.crash(seed);
      for (int i = 0; i < 2; ++i) {
        auto s = d.open();
        if (s.ok()) s = d.join_log();
        ASSERT_TRUE(s.ok()) << s;
        check(d, done);
      }
    }
  }
}

// Scenario 58: of a snapshot of the node's own, and the purge behind it.
TEST(log_join_power_cut_test, the_log_joins_the_old_snapshot_or_the_new_one) {
  log_tail old_end, new_end;
  cut_everywhere(
      [&](disk& d) {
        ASSERT_TRUE(d.append(one, 30).ok());
        old_end = d.log->tail();
        ASSERT_TRUE(d.keep_snapshot(old_end).ok());
        ASSERT_TRUE(d.append(one, 30).ok());
        new_end = d.log->tail();
        ASSERT_TRUE(d.append(one, 5).ok());
      },
      [&](disk& d) {
        if (auto s = d.keep_snapshot(new_end); !s.ok()) return s;
        return d.log->purge(new_end.last.index);
      },
      [&](disk& d, bool done) {
        const auto& end = d.snapshots->newest()->meta.last;
        EXPECT_TRUE(end == new_end || (end == old_end && !done));
        EXPECT_LE(d.log->purged().last, end.last);
        EXPECT_EQ(d.log->tail().last.index, log_index(65)) << "what was synced";
      });
}

// Scenario 59: of one that a leader sent, over a log that it does not continue.
TEST(log_join_power_cut_test, an_installed_snapshot_leaves_the_old_log_or_starts_it_again) {
  log_tail old_end;
  const log_tail installed{{two, log_index(50)}, 4711};
  cut_everywhere(
      [&](disk& d) {
        ASSERT_TRUE(d.append(one, 30).ok());
        ASSERT_TRUE(d.keep_snapshot(d.log->tail()).ok());
        ASSERT_TRUE(d.append(one, 40).ok());
        old_end = d.log->tail();
      },
      [&](disk& d) {
        if (auto s = d.keep_snapshot(installed); !s.ok()) return s;
        if (auto s = d.log->reset(installed); !s.ok()) return s;
        return d.append(two, 5);
      },
      [&](disk& d, bool done) {
        const bool is_new = d.snapshots->newest()->meta.last == installed;
        EXPECT_TRUE(is_new || !done);
        if (!is_new) {
          EXPECT_EQ(d.log->tail(), old_end);
          return;
        }
        EXPECT_EQ(d.log->purged(), installed);
        EXPECT_TRUE(!done || d.log->tail().last.index == log_index(55));
        for (const auto& run : d.log->runs()) EXPECT_EQ(run.leader, two);
      });
}

}  // namespace
}  // namespace troupe
