#include "testing/runner.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <sstream>

#include "proto/trace.h"

namespace troupe::sim {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

// What the child that runs the seeds tells its parent, readable after its death.
struct shared_page {
  uint64_t seed;  // the one that runs
  bool running;
  uint64_t finished;
  double seconds;
  uint64_t steps, virtual_ms, operations, ok_writes, ok_reads, refused, unknown, committed,
      elections, crashes, changes, transfers, wipes, rots, installs, regained, given_up;
  uint64_t failed_seed;  // 0: none
  char why[2000];
};

class page {
 public:
  page()
      : at_(new (mmap(nullptr, sizeof(shared_page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0)) shared_page{}) {}
  ~page() { munmap(at_, sizeof(shared_page)); }
  page(const page&) = delete;
  page& operator=(const page&) = delete;
  shared_page* operator->() { return at_; }

 private:
  shared_page* at_;
};

void add(shared_page& p, const report& r) {
  p.steps += r.steps;
  p.virtual_ms += r.virtual_ms;
  p.operations += r.operations;
  p.ok_writes += r.ok_writes;
  p.ok_reads += r.ok_reads;
  p.refused += r.refused;
  p.unknown += r.unknown;
  p.committed += r.committed;
  p.elections += r.elections;
  p.crashes += r.crashes;
  p.changes += r.changes;
  p.transfers += r.transfers;
  p.wipes += r.wipes;
  p.rots += r.rots;
  p.installs += r.installs;
  p.regained += r.regained;
  p.given_up += r.given_up;
}

void run_child(shared_page& p, const runner_options& o, uint64_t from, double budget) {
  const auto start = clock::now();
  for (uint64_t seed = from; seed < o.first + o.seeds && seconds_since(start) < budget; ++seed) {
    p.seed = seed;
    p.running = true;
    const report r = simulate(seed, o.each);
    p.running = false;
    ++p.finished;
    add(p, r);
    if (o.verbose)
      std::fprintf(stderr, "seed %lu: %s; trace %016lx, %lu steps, %lu committed\n", seed,
                   r.scenario.c_str(), r.trace, r.steps, r.committed);
    if (r.failure.empty()) continue;
    p.failed_seed = seed;
    std::snprintf(p.why, sizeof p.why, "%s (%s)", r.failure.c_str(), r.scenario.c_str());
    return;
  }
}

// Runs seeds from `from` on, up to the first failure or the end. The next seed to run.
uint64_t run_some(const runner_options& o, uint64_t from, double budget, summary& to) {
  page p;
  const pid_t child = fork();
  if (child == 0) {
    if (!o.verbose) trace::verbosity = static_cast<int>(trace::level::error) - 1;
    run_child(*p.operator->(), o, from, budget);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (p->running) {
    p->failed_seed = p->seed;
    ++p->finished;
    std::snprintf(p->why, sizeof p->why, "the process ended: %s",
                  WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit");
  }
  to.seeds += p->finished;
  report& sum = to.sum;
  sum.steps += p->steps;
  sum.virtual_ms += p->virtual_ms;
  sum.operations += p->operations;
  sum.ok_writes += p->ok_writes;
  sum.ok_reads += p->ok_reads;
  sum.refused += p->refused;
  sum.unknown += p->unknown;
  sum.committed += p->committed;
  sum.elections += p->elections;
  sum.crashes += p->crashes;
  sum.changes += p->changes;
  sum.transfers += p->transfers;
  sum.wipes += p->wipes;
  sum.rots += p->rots;
  sum.installs += p->installs;
  sum.regained += p->regained;
  sum.given_up += p->given_up;
  if (p->failed_seed == 0) return o.first + o.seeds;
  to.failed.push_back({p->failed_seed, p->why});
  std::fprintf(stderr, "seed %lu FAILED: %s\n  replay: %s\n", p->failed_seed, p->why,
               replay_command(o, p->failed_seed).c_str());
  return p->failed_seed + 1;
}

}  // namespace

summary run_seeds(const runner_options& o) {
  summary s;
  const auto start = clock::now();
  for (uint64_t next = o.first; next < o.first + o.seeds && seconds_since(start) < o.seconds;) {
    next = run_some(o, next, o.seconds - seconds_since(start), s);
    if (o.stop_at_failure && !s.failed.empty()) break;
  }
  s.seconds = seconds_since(start);
  return s;
}

std::string replay_command(const runner_options& o, uint64_t seed) {
  return "bazel run //testing:simulate -- --seed=" + std::to_string(seed) +
         (o.each.nodes != 0 ? " --nodes=" + std::to_string(o.each.nodes) : "") +
         (o.each.machines_on_disk ? " --machines_on_disk" : "") + " --verbose";
}

std::string to_string(const summary& s) {
  std::ostringstream out;
  out << s.seeds << " seeds in " << s.seconds << " s (" << static_cast<double>(s.seeds) / s.seconds
      << "/s), " << s.failed.size() << " failed; " << s.sum.virtual_ms / 1000
      << " virtual seconds, " << s.sum.steps << " steps, " << s.sum.operations << " operations ("
      << s.sum.ok_writes << " writes and " << s.sum.ok_reads << " reads ok, " << s.sum.refused
      << " refused, " << s.sum.unknown << " unknown), " << s.sum.committed << " entries committed, "
      << s.sum.elections << " elections, " << s.sum.crashes << " crashes, " << s.sum.changes
      << " changes of the membership, " << s.sum.transfers << " transfers, " << s.sum.wipes
      << " disks lost, " << s.sum.rots << " damaged, " << s.sum.installs << " snapshots installed, "
      << s.sum.regained << " states regained, " << s.sum.given_up << " given up";
  return out.str();
}

}  // namespace troupe::sim
