// The real actors over links that are cut in any pattern, each direction by itself: as
// actors/core/link_graphs_test.cc, with everything that a write passes through.
//
// More seeds: bazel test //testing:link_graphs_test --test_env=SEEDS=200000 --test_timeout=3600
// One again:  bazel test //testing:link_graphs_test --test_env=SEED=42
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/link_graph.h"
#include "testing/stage.h"

namespace troupe::sim {
namespace {

using core::link_graph;
using core::vote_mode;
using namespace std::chrono_literals;

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class story {
 public:
  story(uint64_t seed, size_t nodes, vote_mode mode, bool running)
      : stage_(options_of(nodes, mode), seed), nodes_(nodes) {
    // The cluster has begun, and nobody leads it yet.
    stage_.run_for(std::chrono::milliseconds(10));
    if (!running) return;
    EXPECT_TRUE(stage_.await_leader());
    // Writes that are under way when the links fail.
    for (uint64_t i = 0; i < 10; ++i) {
      stage_.begin_write(node_id(1 + (seed + i) % nodes));
      stage_.run_for(1ms);
    }
  }

  void impose(const link_graph& links) {
    stage_.net().heal();
    for (uint64_t from = 1; from <= nodes_; ++from)
      for (uint64_t to = 1; to <= nodes_; ++to)
        if (!links.has(from, to)) stage_.net().cut(node_id(from), node_id(to));
    const auto timeout = stage_.timing().election_timeout_max;
    const bool must = links.has_connected_majority();
    const bool done = commits_within((must ? 10 : 5) * timeout);
    EXPECT_TRUE(done || !must) << "no commit; leader " << stage_.leader();
    EXPECT_EQ(stage_.broken(), "");
  }

 private:
  static cluster_options options_of(size_t nodes, vote_mode mode) {
    cluster_options o;
    o.nodes = nodes;
    o.mode = mode;
    return o;
  }

  // A client offers a new write to every node, again and again.
  bool commits_within(duration limit) {
    std::vector<pending<outcome>> answers;
    const auto any_done = [&] {
      return std::ranges::any_of(
          answers, [](const auto& a) { return a->has_value() && (*a)->code == raft_errc::none; });
    };
    for (const auto end = stage_.now() + limit; stage_.now() < end;) {
      for (const auto id : stage_.nodes().ids()) answers.push_back(stage_.begin_write(id));
      if (stage_.run_until(any_done, 100ms)) return true;
    }
    return false;
  }

  stage stage_;
  size_t nodes_;
};

constexpr vote_mode both_modes[] = {vote_mode::advanced, vote_mode::standard};

TEST(link_graphs_test,
     three_nodes_under_every_graph_are_safe_and_commit_where_a_pair_is_connected) {
  for (uint64_t links = 0; links < 64; ++links)
    for (auto mode : both_modes)
      for (bool running : {false, true})
        for (uint64_t seed = 1; seed <= 3; ++seed) {
          SCOPED_TRACE(testing::Message()
                       << "seed " << seed << " running " << running << " standard "
                       << (mode == vote_mode::standard) << " links " << link_graph(3, links));
          story(seed, 3, mode, running).impose({3, links});
          ASSERT_FALSE(HasFailure());
        }
}

TEST(link_graphs_test, five_nodes_under_any_graph_are_safe_and_commit_where_three_are_connected) {
  const uint64_t only = number_from("SEED", 0), seeds = number_from("SEEDS", 10'000);
  for (uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? seeds : only); ++seed) {
    std::mt19937_64 chance(seed);
    const auto any_graph = [&] {
      uint64_t links = 0;
      const auto density = 5 + chance() % 4;
      for (uint64_t pair = 0; pair < link_graph::pairs(5); ++pair)
        links |= uint64_t{chance() % 10 < density} << pair;
      return link_graph(5, links);
    };
    const auto mode = both_modes[chance() % 2];
    story s(seed, 5, mode, /*running=*/chance() % 3 != 0);
    for (int i = 0; i < 2; ++i) {
      const auto links = any_graph();
      SCOPED_TRACE(testing::Message() << "seed " << seed << " standard "
                                      << (mode == vote_mode::standard) << " links " << links);
      s.impose(links);
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace troupe::sim
