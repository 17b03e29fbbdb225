// `bazel run //tools:bench`: openraft's minimal benchmark, the same work on Troupe.
#include <cstdio>
#include <filesystem>

#include <glog/logging.h>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "proto/trace.h"
#include "tools/bench/cluster.h"
#include "tools/bench/load.h"
#include "tools/flags/flags.h"

ABSL_FLAG(std::vector<std::string>, clients, (std::vector<std::string>{"1", "64", "1024", "4096"}),
          "numbers of closed-loop clients, a table row for each");
ABSL_FLAG(uint64_t, members, 3, "nodes of the cluster");
ABSL_FLAG(uint64_t, operations, 0, "writes in each row; 0: one to three seconds' worth");
ABSL_FLAG(uint64_t, batch, 1, "writes that each client has outstanding");
ABSL_FLAG(uint64_t, value_bytes, 0, "bytes of each command");
ABSL_FLAG(uint64_t, runs, 5, "runs of each row; the one with the median rate is printed");
ABSL_FLAG(uint64_t, threads, 0, "threads of each scheduler; 0: one for each core");
ABSL_FLAG(std::string, transport, "in-process",
          "in-process, or tcp: CAF's remote actors over loopback");
ABSL_FLAG(std::string, store, "memory", "memory, or disk: the durable engine with fdatasync");
ABSL_FLAG(std::string, dir, "",
          "with --store=disk: where (a new directory in the system's temporary one)");

namespace troupe::bench {
namespace {

int usage_error(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  return 2;
}

uint64_t operations_for(size_t clients, bool fast) {
  if (const auto n = absl::GetFlag(FLAGS_operations)) return n;
  const uint64_t n = clients == 1 ? 100'000 : clients < 256 ? 2'000'000 : 5'000'000;
  return fast ? n : n / 20;
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
  const auto us = [&](double p) { return static_cast<double>(m.percentile(p)) / 1e3; };
  std::printf("%8zu %12.0f %10.0f %14.2f %10.1f %10.1f %10.1f\n", clients, n / m.seconds,
              m.seconds * 1e9 / n, m.cpu_seconds * 1e6 / n, us(0.50), us(0.99), us(0.999));
  if (m.failures != 0) std::printf("         %lu writes failed\n", m.failures);
  std::fflush(stdout);
}

// A directory that is removed at the end, unless it was named.
class scratch_dir {
 public:
  explicit scratch_dir(bool wanted) {
    if (!wanted) return;
    path_ = absl::GetFlag(FLAGS_dir);
    if (!path_.empty()) return;
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    remove_ = true;
  }
  ~scratch_dir() {
    std::error_code ignored;
    if (remove_) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool remove_ = false;
};

int run_table(const cluster_options& options, const std::vector<size_t>& rows) {
  auto c = cluster::start(options);
  if (!c.ok()) return usage_error(std::string(c.status().message()));
  std::printf("%8s %12s %10s %14s %10s %10s %10s\n", "clients", "put/s", "ns/op", "cpu-s/M puts",
              "p50 us", "p99 us", "p999 us");
  const bool fast = !options.tcp && options.disk_dir.empty();
  for (const size_t clients : rows) {
    const work w{operations_for(clients, fast), clients, absl::GetFlag(FLAGS_batch),
                 absl::GetFlag(FLAGS_value_bytes)};
    print_row(clients, median_run((*c)->leader(), w));
  }
  return 0;
}

int main_of() {
  std::vector<size_t> rows;
  for (const auto& text : absl::GetFlag(FLAGS_clients)) {
    size_t n = 0;
    if (!absl::SimpleAtoi(text, &n) || n == 0)
      return usage_error("--clients takes numbers from 1, not '" + text + "'");
    rows.push_back(n);
  }
  const auto transport = absl::GetFlag(FLAGS_transport);
  const auto store = absl::GetFlag(FLAGS_store);
  if (transport != "in-process" && transport != "tcp")
    return usage_error("--transport must be in-process or tcp");
  if (store != "memory" && store != "disk") return usage_error("--store must be memory or disk");
  if (absl::GetFlag(FLAGS_batch) == 0) return usage_error("--batch must be at least 1");
  // More would be refused as busy at the node's edge.
  const auto crowd = rows.empty() ? 0 : *std::ranges::max_element(rows);
  if (crowd * absl::GetFlag(FLAGS_batch) * (absl::GetFlag(FLAGS_value_bytes) + 4) > (24 << 20))
    return usage_error(
        "clients x batch x value_bytes is more than the 24 MiB that may wait at once");
  const auto members = absl::GetFlag(FLAGS_members);
  if (members == 0 || members > 9) return usage_error("--members must be from 1 to 9");
  const scratch_dir dir(store == "disk");
  return run_table({members, transport == "tcp", dir.path(), absl::GetFlag(FLAGS_threads)}, rows);
}

}  // namespace
}  // namespace troupe::bench

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  troupe::trace::verbosity = static_cast<int>(troupe::trace::level::warn);
  const auto rest = troupe::tools::parse_flags(
      {"bench", "Measures replicated writes of a cluster in this one process.", "tools/bench/"},
      argc, argv);
  if (!rest.empty()) {
    std::fprintf(stderr, "bench: '%s' is not a flag; --help lists them\n", rest[0].c_str());
    return 2;
  }
  return troupe::bench::main_of();
}
