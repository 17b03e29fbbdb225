// `bazel run //tools:node`: starts a node, or several with --local_cluster, and serves until
// SIGTERM.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include <glog/logging.h>

#include "proto/trace.h"
#include "tools/node/host.h"
#include "tools/node/options.h"
#include "tools/node/ports.h"

namespace troupe::tools {
namespace {

using all_hosts = std::vector<std::unique_ptr<host>>;

// What wakes the main thread when a node ended by itself.
constexpr int failure_signal = SIGUSR1;

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, failure_signal}) sigaddset(&set, s);
  return set;
}

constexpr int failed = 1, refused = 2;

int usage_error(const absl::Status& why) {
  std::fprintf(stderr, "node: %s\n", std::string(why.message()).c_str());
  return absl::IsAborted(why) ? failed : refused;
}

void say_hello(const std::vector<node_flags>& nodes, const all_hosts& hosts) {
  for (const auto& n : nodes) {
    std::fprintf(stderr, "node %lu: data in %s, other nodes at %s:%u, Redis clients at %s:%u\n",
                 n.id.value, n.data_dir.c_str(), n.raft_address.host.c_str(), n.raft_address.port,
                 n.client_address.host.c_str(), n.client_address.port);
    if (!n.sync)
      std::fprintf(stderr, "node %lu: --sync=never: A POWER CUT LOSES ACKNOWLEDGED WRITES\n",
                   n.id.value);
  }
  const auto& first = nodes.front();
  std::fprintf(stderr, "try: redis-cli -h %s -p %u set greeting hello\n",
               first.client_address.host.c_str(), first.client_address.port);
  if (nodes.size() == 1 && hosts.front()->alone())
    std::fprintf(stderr,
                 "a second node: start it with another --id, --join=%s and addresses of its own; "
                 "or begin with several: --local_cluster=3 in one process, or the same "
                 "--cluster=1=host:port,2=host:port,3=host:port on each machine\n",
                 first.raft_text.c_str());
}

// A node has ended by itself.
bool has_failed() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && ::sigismember(&pending, failure_signal) == 1;
}

// With the whole cluster in this process, `ready` means that it serves. Otherwise it is up to the
// others.
void await_leader(const std::vector<node_flags>& nodes, const all_hosts& hosts) {
  if (nodes.size() != nodes.front().cluster.nodes().size()) return;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  const auto served = [](const auto& h) { return h->leader_known(); };
  while (!std::ranges::all_of(hosts, served) && !has_failed() &&
         std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

void say_ready() { std::fprintf(stderr, "ready\n"); }

// As many connections as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  parse_command_line(argc, argv);
  const auto signals = awaited_signals();
  // Before any thread starts, so that all of them inherit it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // A write beyond `ulimit -f` then fails as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  raise_descriptor_limit();
  auto level = log_level();
  if (!level.ok()) return usage_error(level.status());
  trace::verbosity = *level;
  auto nodes = read_flags();
  if (!nodes.ok()) return usage_error(nodes.status());
  if (auto s = check_ports(*nodes); !s.ok()) return usage_error(s);
  all_hosts hosts;
  for (const auto& n : *nodes) {
    auto h = host::start(n, {[] { ::kill(::getpid(), failure_signal); }, say_ready});
    if (!h.ok()) return usage_error(h.status());
    hosts.push_back(std::move(*h));
  }
  say_hello(*nodes, hosts);
  if (!hosts.front()->joining()) {
    await_leader(*nodes, hosts);
    if (!has_failed()) say_ready();
  }
  int signal = 0;
  sigwait(&signals, &signal);
  if (signal != failure_signal) {
    for (auto& h : hosts) h->retire();
    return 0;
  }
  std::fprintf(stderr, "node: stopped, the log above says why\n");
  return failed;
}

}  // namespace
}  // namespace troupe::tools

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  return troupe::tools::run(argc, argv);
}
