// Rules of the flags: each reaches the node, and what the node would refuse is refused.
#include "tools/node/options.h"

#include <gtest/gtest.h>

#include "absl/flags/reflection.h"

namespace troupe::tools {
namespace {

using namespace std::chrono_literals;

absl::StatusOr<std::vector<node_flags>> read(std::vector<std::string> words) {
  absl::FlagSaver as_they_were;
  words.insert(words.begin(), {"node", "--data_dir=/nowhere"});
  std::vector<char*> line;
  for (auto& w : words) line.push_back(w.data());
  parse_command_line(static_cast<int>(line.size()), line.data());
  return read_flags();
}

void expect_refused(const std::string& flag, const std::string& line) {
  EXPECT_EQ(read({flag}).status(), absl::InvalidArgumentError(line)) << flag;
}

TEST(options_test, a_node_gets_what_the_flags_say) {
  const auto flags = read(
      {"--election_timeout_min=1s", "--election_timeout_max=2s", "--heartbeat_interval=300ms",
       "--batch=11", "--under_way=12", "--window=13", "--caught_up_within=14", "--clock_drift=1.5",
       "--elections=false", "--heartbeats=false", "--leader_restore=false", "--scrub=15"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  const auto& c = flags->front().config;
  EXPECT_EQ(c.timing.election_timeout_min, 1s);
  EXPECT_EQ(c.timing.election_timeout_max, 2s);
  EXPECT_EQ(c.timing.heartbeat_interval, 300ms);
  EXPECT_EQ(c.limits.batch, byte_count(11));
  EXPECT_EQ(c.limits.under_way, byte_count(12));
  EXPECT_EQ(c.limits.replication.window, byte_count(13));
  EXPECT_EQ(c.limits.caught_up_within, 14u);
  EXPECT_EQ(c.limits.clock_drift, 1.5);
  EXPECT_FALSE(c.elections || c.heartbeats || c.leader_restore);
  EXPECT_EQ(c.scrub, byte_count(15));
}

TEST(options_test, the_state_is_in_memory_unless_told_otherwise) {
  EXPECT_FALSE(read({}).value().front().on_rocksdb);
  EXPECT_FALSE(read({"--machine=memory"}).value().front().on_rocksdb);
  EXPECT_TRUE(read({"--machine=rocksdb"}).value().front().on_rocksdb);
  expect_refused("--machine=disk", "--machine: must be memory or rocksdb");
}

TEST(options_test, without_flags_a_node_gets_the_defaults_of_the_library) {
  const auto flags = read({});
  ASSERT_TRUE(flags.ok()) << flags.status();
  const auto& c = flags->front().config;
  const node_config d;
  EXPECT_EQ(c.timing.election_timeout_min, d.timing.election_timeout_min);
  EXPECT_EQ(c.timing.election_timeout_max, d.timing.election_timeout_max);
  EXPECT_EQ(c.timing.heartbeat_interval, d.timing.heartbeat_interval);
  EXPECT_EQ(c.limits.batch, d.limits.batch);
  EXPECT_EQ(c.limits.under_way, d.limits.under_way);
  EXPECT_EQ(c.limits.replication.window, d.limits.replication.window);
  EXPECT_EQ(c.limits.caught_up_within, d.limits.caught_up_within);
  EXPECT_EQ(c.limits.clock_drift, d.limits.clock_drift);
  EXPECT_TRUE(c.elections && c.heartbeats && c.leader_restore);
  EXPECT_EQ(c.scrub, d.scrub);
}

TEST(options_test, what_a_node_would_refuse_is_refused_by_the_name_of_its_flag) {
  expect_refused("--batch=0", "--batch: must be from 1 B to 64 MiB");
  expect_refused("--under_way=0", "--under_way: must be at least 1");
  expect_refused("--window=0", "--window: must be at least 1");
  expect_refused("--clock_drift=nan", "--clock_drift: must be from 1 to 10");
  expect_refused("--election_timeout_max=11m", "--election_timeout_max: must be at most 10m");
}

}  // namespace
}  // namespace troupe::tools
