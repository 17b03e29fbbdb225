// Links that are cut in any pattern, each direction by itself, and stay so. It is always safe, and
// wherever a majority is fully connected a new write commits within ten election timeouts and the
// next ones at once, whoever led before and whatever the logs hold.
//
// More seeds: bazel test //actors/core:many_link_graphs_test
// One again:  bazel test //actors/core:link_graphs_test --test_env=SEED=42
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/rehearsal.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr duration timeout = timing{}.election_timeout_max;

enum class before {
  nothing,      // all nodes start at this moment
  a_leader,     // with writes under way, and followers that lag
  other_links,  // for a while, after a leader: logs and votes are as they may be then
};

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class story {
 public:
  story(uint64_t seed, uint64_t nodes, vote_mode mode, before start)
      : chance_(seed), nodes_(nodes), cluster_(options_of(seed, nodes, mode)) {
    if (start == before::nothing) return;
    EXPECT_TRUE(cluster_.run_until([&] { return cluster_.leader() != 0; }, 20 * timeout));
    for (int i = 0; i < 30; ++i) {
      if (any(8) == 0) cluster_.cut(1 + any(nodes_), 1 + any(nodes_));
      cluster_.offer(++write_);
      cluster_.run_for(ms(static_cast<int64_t>(any(20))));
    }
    if (start == before::a_leader) return;
    cluster_.impose(any_links());
    pass(1 + any(10));
  }

  // Half of them with a majority that is fully connected, by chance or not.
  link_graph any_links() {
    const auto density = 4 + any(5);
    uint64_t links = 0;
    for (uint64_t pair = 0; pair < link_graph::pairs(nodes_); ++pair)
      links |= uint64_t{any(10) < density} << pair;
    if (any(2) == 0) links |= link_graph::among(nodes_, any_majority());
    return {nodes_, links};
  }

  void impose(const link_graph& links) {
    SCOPED_TRACE(testing::Message() << "links " << links);
    cluster_.impose(links);
    if (links.has_connected_majority()) {
      expect_commit_within(10 * timeout);
      for (int i = 0; i < 10; ++i) {
        cluster_.run_for(timeout / 2);
        expect_commit_within(timeout);
      }
    } else {
      pass(5);
    }
    EXPECT_TRUE(cluster_.broken().empty()) << cluster_.broken().front();
  }

 private:
  static rehearsal::options options_of(uint64_t seed, uint64_t nodes, vote_mode mode) {
    rehearsal::options o;
    o.nodes = nodes;
    o.seed = seed;
    o.mode = mode;
    o.replicate = true;
    return o;
  }

  uint64_t any(uint64_t below) { return chance_() % below; }

  uint64_t any_majority() {
    uint64_t set = 0;
    while (2 * std::popcount(set) <= static_cast<int>(nodes_)) set |= uint64_t{1} << any(nodes_);
    return set;
  }

  // The client offers its write to every node, again and again.
  void expect_commit_within(duration limit) {
    ++write_;
    const auto end = cluster_.clock() + limit;
    for (; !cluster_.committed(write_) && cluster_.clock() < end; cluster_.run_for(ms(10)))
      cluster_.offer(write_);
    EXPECT_TRUE(cluster_.committed(write_)) << "no commit; leader " << cluster_.leader();
  }

  void pass(uint64_t timeouts) {
    for (uint64_t i = 0; i < 4 * timeouts; ++i) {
      cluster_.offer(++write_);
      cluster_.run_for(timeout / 4);
    }
  }

  std::mt19937_64 chance_;
  uint64_t nodes_;
  rehearsal cluster_;
  uint64_t write_ = 0;
};

constexpr before all_starts[] = {before::nothing, before::a_leader, before::other_links};

TEST(link_graphs_test, a_connected_majority_is_known_when_seen) {
  int graphs = 0;
  for (uint64_t links = 0; links < 64; ++links)
    graphs += link_graph(3, links).has_connected_majority();
  EXPECT_EQ(graphs, 64 - 27) << "all but those where each pair lacks a direction";
  EXPECT_TRUE(link_graph(5, link_graph::among(5, 0b10101)).has_connected_majority());
  EXPECT_FALSE(link_graph(5, link_graph::among(5, 0b10001)).has_connected_majority());
}

TEST(link_graphs_test,
     three_nodes_under_every_graph_are_safe_and_commit_where_a_pair_is_connected) {
  for (uint64_t links = 0; links < 64; ++links)
    for (auto mode : both_modes)
      for (auto start : all_starts)
        for (uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) {
          SCOPED_TRACE(testing::Message() << "seed " << seed << " start " << static_cast<int>(start)
                                          << " standard " << (mode == vote_mode::standard));
          story(seed, 3, mode, start).impose({3, links});
        }
}

TEST(link_graphs_test, five_nodes_under_any_graph_are_safe_and_commit_where_three_are_connected) {
  const uint64_t only = number_from("SEED", 0), seeds = number_from("SEEDS", 10'000);
  for (uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? seeds : only); ++seed)
    for (auto mode : both_modes) {
      SCOPED_TRACE(testing::Message()
                   << "seed " << seed << " standard " << (mode == vote_mode::standard));
      story s(seed, 5, mode, all_starts[seed % 3]);
      // One after another: each begins with what the one before left.
      for (int graphs = 0; graphs < 3; ++graphs) s.impose(s.any_links());
      ASSERT_FALSE(HasFailure());
    }
}

}  // namespace
}  // namespace troupe::core
