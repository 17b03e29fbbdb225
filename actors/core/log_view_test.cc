#include "actors/core/log_view.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::core {
namespace {

constexpr leader_id led_by(uint64_t in, uint64_t node = 1) { return {term(in), node_id(node)}; }
constexpr log_id at(leader_id leader, uint64_t index) { return {leader, log_index(index)}; }

// The same promises kept without thought: one log id for each entry.
class naive_log {
 public:
  log_id purged;
  std::vector<log_id> entries;

  log_id last() const { return entries.empty() ? purged : entries.back(); }

  std::optional<leader_id> leader_at(log_index index) const {
    if (index == purged.index) return purged.leader;
    for (const auto& entry : entries)
      if (entry.index == index) return entry.leader;
    return std::nullopt;
  }
  log_id floor(const log_id& limit) const {
    log_id found = purged;
    for (const auto& entry : entries)
      if (entry.index <= limit.index && entry.leader <= limit.leader) found = entry;
    return found;
  }
  void append(leader_id leader, uint64_t count) {
    for (; count != 0; --count) entries.push_back({leader, last().index.next()});
  }
  void truncate_after(log_index keep) {
    std::erase_if(entries, [keep](const log_id& entry) { return entry.index > keep; });
  }
  void purge(const log_id& upto) {
    if (upto.index <= purged.index) return;
    std::erase_if(entries, [upto](const log_id& entry) { return entry.index <= upto.index; });
    purged = upto;
  }
};

// Both logs side by side, under the same random operations.
class twins {
 public:
  explicit twins(uint64_t seed) : random_(seed) {}

  void step() {
    switch (below(8)) {
      case 0:
        return truncate();
      case 1:
        return purge();
      case 2:
        return install();
      default:
        return append();
    }
  }

  void compare() const {
    ASSERT_EQ(view_.last(), naive_.last());
    ASSERT_EQ(view_.last_index(), naive_.last().index);
    ASSERT_EQ(view_.purged(), naive_.purged);
    const uint64_t beyond = naive_.last().index.value + 2;
    for (uint64_t i = 0; i <= beyond; ++i) {
      ASSERT_EQ(view_.leader_at(log_index(i)), naive_.leader_at(log_index(i))) << i;
      for (const leader_id& leader : leaders()) {
        const log_id id{leader, log_index(i)};
        ASSERT_EQ(view_.contains(id), naive_.leader_at(log_index(i)) == leader) << id;
        ASSERT_EQ(view_.floor(id), naive_.floor(id)) << id;
      }
    }
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  // Every leader that may have written, and some between them that never did.
  std::vector<leader_id> leaders() const {
    std::vector<leader_id> all{leader_id{}};
    for (uint64_t in = 1; in <= term_ + 1; ++in)
      for (uint64_t node : {1, 2, 3}) all.push_back(led_by(in, node));
    return all;
  }

  void append() {
    if (below(3) == 0) ++term_;
    const leader_id leader = std::max(naive_.last().leader, led_by(term_, 1 + below(2)));
    const uint64_t count = 1 + below(4);
    naive_.append(leader, count);
    view_.append(leader, view_.last_index() + count);
  }
  void truncate() {
    const auto keep = naive_.purged.index + below(naive_.entries.size() + 2);
    naive_.truncate_after(keep);
    view_.truncate_after(keep);
  }
  void purge() {
    if (naive_.entries.empty()) return;
    // Among the first: otherwise the log would hardly ever grow.
    const log_id upto = naive_.entries[below(naive_.entries.size() / 2 + 1)];
    naive_.purge(upto);
    view_.purge(upto);
  }
  void install() {
    if (below(4) != 0) return;
    const log_id upto{std::max(naive_.last().leader, led_by(term_)),
                      naive_.last().index + 1 + below(3)};
    naive_.purge(upto);
    view_.purge(upto);
  }

  std::mt19937_64 random_;
  uint64_t term_ = 1;
  naive_log naive_;
  log_view view_;
};

TEST(log_view_test, behaves_as_a_list_of_log_ids) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    twins both(seed);
    for (int step = 0; step < 40; ++step) {
      both.step();
      both.compare();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

// 1..3 by term 1, 4..5 by term 3, 6..9 by term 5.
log_view three_leaders() {
  return log_view({},
                  {{log_index(1), led_by(1)}, {log_index(4), led_by(3)}, {log_index(6), led_by(5)}},
                  log_index(9));
}

TEST(log_view_test, an_empty_log_contains_only_the_beginning) {
  const log_view log;
  EXPECT_EQ(log.last(), log_id{});
  EXPECT_TRUE(log.contains(log_id{}));
  EXPECT_FALSE(log.contains(at(led_by(1), 1)));
  EXPECT_FALSE(log.contains(at(led_by(1), 0)));
  EXPECT_EQ(log.floor(at(led_by(9), 9)), log_id{});
}

TEST(log_view_test, the_beginning_is_forgotten_by_a_purge) {
  log_view log = three_leaders();
  log.purge(at(led_by(1), 2));
  EXPECT_FALSE(log.contains(log_id{}));
  EXPECT_FALSE(log.contains(at(led_by(1), 1)));
  EXPECT_TRUE(log.contains(at(led_by(1), 2)));
  EXPECT_TRUE(log.contains(at(led_by(1), 3)));
}

TEST(log_view_test, floor_steps_over_leaders_that_are_too_great) {
  const log_view log = three_leaders();
  EXPECT_EQ(log.floor(at(led_by(4), 9)), at(led_by(3), 5));
  EXPECT_EQ(log.floor(at(led_by(2), 9)), at(led_by(1), 3));
  EXPECT_EQ(log.floor(at(led_by(5), 7)), at(led_by(5), 7));
  EXPECT_EQ(log.floor(at(led_by(5), 20)), at(led_by(5), 9));
  EXPECT_EQ(log.floor(at(leader_id{}, 9)), log_id{});
}

TEST(log_view_test, floors_of_two_logs_meet_after_one_step_for_each_leader_change) {
  // One log is the other's past up to 3; then each went its own way, a leader for each entry.
  log_view mine, theirs;
  mine.append(led_by(1), log_index(3));
  theirs.append(led_by(1), log_index(3));
  const uint64_t changes = 50;
  for (uint64_t i = 1; i <= changes; ++i) {
    mine.append(led_by(2 * i), log_index(3 + 10 * i));
    theirs.append(led_by(2 * i + 1), log_index(3 + 10 * i));
  }
  log_id probe = mine.last();
  uint64_t rounds = 0;
  for (; !theirs.contains(probe); ++rounds) probe = mine.floor(theirs.floor(probe));
  EXPECT_EQ(probe, at(led_by(1), 3));
  EXPECT_LE(rounds, changes + 1);
}

TEST(log_view_test, a_leader_that_goes_on_after_a_truncation_continues_its_run) {
  log_view log;
  log.append(led_by(1), log_index(1));
  log.append(led_by(1), log_index(5));
  log.append(led_by(2), log_index(6));
  log.truncate_after(log_index(5));
  log.append(led_by(1), log_index(7));
  EXPECT_EQ(log.leader_at(log_index(6)), led_by(1));
  EXPECT_FALSE(log.contains(at(led_by(2), 6)));
  EXPECT_EQ(log.last(), at(led_by(1), 7));
}

TEST(log_view_test, a_snapshot_beyond_the_end_leaves_an_empty_log_that_goes_on_after_it) {
  log_view log = three_leaders();
  log.purge(at(led_by(7), 100));
  EXPECT_EQ(log.last(), at(led_by(7), 100));
  EXPECT_EQ(log.purged(), log.last());
  EXPECT_EQ(log.leader_at(log_index(9)), std::nullopt);
  log.append(led_by(7), log_index(101));
  EXPECT_EQ(log.leader_at(log_index(101)), led_by(7));
}

TEST(log_view_test, a_purge_that_comes_late_changes_nothing) {
  log_view log = three_leaders();
  log.purge(at(led_by(3), 4));
  log.purge(at(led_by(1), 2));
  EXPECT_EQ(log.purged(), at(led_by(3), 4));
  EXPECT_EQ(log.last(), at(led_by(5), 9));
}

TEST(log_view_test, the_first_membership_was_written_by_nobody) {
  log_view log;
  log.append(leader_id{}, log_index(1));
  EXPECT_TRUE(log.contains(at(leader_id{}, 1)));
  log.append(led_by(1), log_index(2));
  EXPECT_EQ(log.floor(at(leader_id{}, 2)), at(leader_id{}, 1));
  const log_view reopened({}, {{log_index(1), leader_id{}}, {log_index(2), led_by(1)}},
                          log_index(2));
  EXPECT_EQ(reopened.last(), log.last());
}

TEST(log_view_death_test, a_broken_promise_ends_the_process) {
  log_view log = three_leaders();
  EXPECT_DEATH(log.append(led_by(4), log_index(10)), "never fall");
  EXPECT_DEATH(log.append(led_by(5), log_index(9)), "at least one entry");
  EXPECT_DEATH(log.purge(at(led_by(3), 7)), "only entries of this log");
  EXPECT_DEATH(log.purge(at(led_by(3), 9)), "only entries of this log");
  log.purge(at(led_by(1), 3));
  EXPECT_DEATH(log.truncate_after(log_index(2)), "never truncated");
  EXPECT_DEATH(log_view().append(leader_id{}, log_index(2)), "written by nobody");
}

TEST(log_view_death_test, runs_cover_the_whole_log_in_order) {
  using runs = std::vector<leader_run>;
  const auto make = [](log_id purged, runs covering, uint64_t last) {
    log_view(purged, std::move(covering), log_index(last));
  };
  EXPECT_DEATH(make({}, {}, 1), "cover all");
  EXPECT_DEATH(make({}, runs{{log_index(2), led_by(1)}}, 3), "no gap");
  EXPECT_DEATH(make(at(led_by(2), 4), runs{{log_index(5), led_by(1)}}, 6), "never fall");
  EXPECT_DEATH(make({}, runs{{log_index(1), led_by(1)}, {log_index(4), led_by(2)}}, 3), "no run");
  EXPECT_DEATH(make({}, runs{{log_index(1), led_by(1)}, {log_index(2), led_by(1)}}, 3), "greater");
  EXPECT_DEATH(make({}, runs{{log_index(1), leader_id{}}}, 2), "written by nobody");
}

}  // namespace
}  // namespace troupe::core
