#include "tools/bench/load.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>

namespace troupe::bench {
namespace {

using clock = std::chrono::steady_clock;

// Latencies kept for the percentiles; more are sampled.
constexpr size_t most_samples = 4'000'000;

double cpu_now() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

struct shared {
  raft* leader;
  std::string value;
  std::atomic<int64_t> to_send;
  std::atomic<size_t> running;
  std::atomic<uint64_t> failures{0};
  uint64_t sample_every = 1;
  std::promise<void> finished;
};

class client {
 public:
  explicit client(shared& s, size_t batch) : shared_(&s), batch_(batch) {}

  void send() {
    const auto got =
        shared_->to_send.fetch_sub(static_cast<int64_t>(batch_), std::memory_order_relaxed);
    if (got <= 0) {
      if (shared_->running.fetch_sub(1) == 1) shared_->finished.set_value();
      return;
    }
    outstanding_ = batch_;
    sampled_ = ++rounds_ % shared_->sample_every == 0;
    if (sampled_) sent_ = clock::now();
    for (size_t i = 0; i < batch_; ++i)
      shared_->leader->write(shared_->value, [this](const answer& a) { on_answer(a); });
  }

  const std::vector<uint64_t>& latencies() const { return latencies_; }
  uint64_t rounds() const { return rounds_; }

 private:
  // All answers come from the one edge actor, so one at a time.
  void on_answer(const answer& a) {
    if (a.code != raft_errc::none) shared_->failures.fetch_add(1, std::memory_order_relaxed);
    if (--outstanding_ != 0) return;
    if (sampled_) latencies_.push_back(static_cast<uint64_t>((clock::now() - sent_).count()));
    send();
  }

  shared* shared_;
  size_t batch_;
  size_t outstanding_ = 0;
  bool sampled_ = false;
  uint64_t rounds_ = 0;
  clock::time_point sent_;
  std::vector<uint64_t> latencies_;
};

}  // namespace

uint64_t measured::percentile(double p) const {
  if (latencies.empty()) return 0;
  const auto at = static_cast<size_t>(p * static_cast<double>(latencies.size() - 1));
  return latencies[at];
}

measured run(raft& leader, const work& w) {
  shared s{&leader, std::string(w.value_bytes, 'x'), {}, {}, {}, 1, {}};
  s.to_send = static_cast<int64_t>(w.operations);
  s.running = w.clients;
  s.sample_every = std::max<uint64_t>(1, w.operations / w.batch / most_samples);
  std::vector<client> clients(w.clients, client(s, w.batch));
  const auto cpu = cpu_now();
  const auto start = clock::now();
  for (auto& c : clients) c.send();
  s.finished.get_future().wait();
  measured m;
  m.seconds = std::chrono::duration<double>(clock::now() - start).count();
  m.cpu_seconds = cpu_now() - cpu;
  m.failures = s.failures;
  for (auto& c : clients) {
    m.operations += c.rounds() * w.batch;
    m.latencies.insert(m.latencies.end(), c.latencies().begin(), c.latencies().end());
  }
  std::ranges::sort(m.latencies);
  return m;
}

}  // namespace troupe::bench
