// `bazel run //tools:bench`: openraft's minimal benchmark, the same work on Troupe.
#include <cstdio>

#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "caf/actor_system.hpp"
#include "tools/bench/cluster.h"
#include "tools/bench/load.h"

ABSL_FLAG(std::vector<std::string>, clients, (std::vector<std::string>{"1", "64", "1024", "4096"}),
          "numbers of closed-loop clients, a table row for each");
ABSL_FLAG(uint64_t, members, 3, "nodes of the cluster");
ABSL_FLAG(uint64_t, operations, 0, "writes in each row; 0: about two seconds' worth");
ABSL_FLAG(uint64_t, batch, 1, "writes that each client has outstanding");
ABSL_FLAG(uint64_t, value_bytes, 0, "bytes of each command");
ABSL_FLAG(uint64_t, runs, 1, "runs of each row; the row with the median rate is printed");
ABSL_FLAG(uint64_t, threads, 0, "scheduler threads; 0: one for each core");

namespace troupe::bench {
namespace {

uint64_t operations_for(size_t clients) {
  if (const auto n = absl::GetFlag(FLAGS_operations)) return n;
  return clients == 1 ? 100'000 : clients < 256 ? 2'000'000 : 5'000'000;
}

measured median_run(raft& leader, const work& w) {
  std::vector<measured> all;
  for (uint64_t i = 0; i < std::max<uint64_t>(1, absl::GetFlag(FLAGS_runs)); ++i)
    all.push_back(run(leader, w));
  std::ranges::sort(all, {}, [](const measured& m) { return m.seconds; });
  return std::move(all[all.size() / 2]);
}

void print_row(size_t clients, const measured& m) {
  const auto n = static_cast<double>(m.operations);
  std::printf("%8zu %12.0f %10.0f %14.2f %10.1f %10.1f %10.1f\n", clients, n / m.seconds,
              m.seconds * 1e9 / n, m.cpu_seconds * 1e6 / n,
              static_cast<double>(m.percentile(0.50)) / 1e3,
              static_cast<double>(m.percentile(0.99)) / 1e3,
              static_cast<double>(m.percentile(0.999)) / 1e3);
  if (m.failures != 0) std::printf("         %lu writes failed\n", m.failures);
  std::fflush(stdout);
}

int main_of(const std::vector<std::string>& clients) {
  caf::actor_system_config config;
  prepare(config);
  if (const auto threads = absl::GetFlag(FLAGS_threads))
    config.set("scheduler.max-threads", size_t{threads});
  caf::actor_system system{config};
  cluster c(system, absl::GetFlag(FLAGS_members));
  std::printf("%8s %12s %10s %14s %10s %10s %10s\n", "clients", "put/s", "ns/op", "cpu-s/M puts",
              "p50 us", "p99 us", "p999 us");
  for (const auto& text : clients) {
    size_t n = 0;
    if (!absl::SimpleAtoi(text, &n) || n == 0) {
      std::fprintf(stderr, "bench: --clients takes numbers from 1, not '%s'\n", text.c_str());
      return 2;
    }
    const work w{operations_for(n), n, absl::GetFlag(FLAGS_batch),
                 absl::GetFlag(FLAGS_value_bytes)};
    print_row(n, median_run(c.leader(), w));
  }
  return 0;
}

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures replicated writes in one process, in memory.");
  absl::ParseCommandLine(argc, argv);
  return troupe::bench::main_of(absl::GetFlag(FLAGS_clients));
}
