// How long a node needs to find its log again, and what a purge costs.
//
//   bazel run --config=opt //storage:recovery_bench
//
// Uses a directory below $TEST_TMPDIR, or below the current one: name one on the disk in question.
// What was just written is in the kernel's cache; the disk's own rate comes on top where it is not.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "storage/durable_storage.h"
#include "storage/posix_env.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

// A log of range(0) MiB in batches of range(1) bytes.
class log_on_disk {
 public:
  explicit log_on_disk(const benchmark::State& state)
      : dir_(std::filesystem::path(std::getenv("TEST_TMPDIR") ? std::getenv("TEST_TMPDIR") : ".") /
             "recovery_bench_data") {
    std::filesystem::remove_all(dir_);
    open();
    const auto bytes = static_cast<size_t>(state.range(1));
    for (uint64_t left = static_cast<uint64_t>(state.range(0)) << 20; left > 0 && ok_;) {
      const auto number =
          std::min<uint64_t>(std::max<uint64_t>((1 << 20) / bytes, 1), (left + bytes - 1) / bytes);
      const auto made =
          batches_after(storage_->tail(), leader_of(1), number, 1, bytes - batch::header_size - 4);
      ok_ = storage_->append(made).ok();
      left -= std::min(left, number * bytes);
    }
    ok_ = ok_ && storage_->sync().ok();
  }
  ~log_on_disk() {
    storage_.reset();
    std::filesystem::remove_all(dir_);
  }

  void open() {
    storage_.reset();
    durable_options o;
    o.dir = dir_.string();
    o.node = node_id(1);
    o.incarnation = 7;
    auto opened = durable_storage::open(*files_, o);
    ok_ = ok_ && opened.ok();
    if (opened.ok()) storage_ = *std::move(opened);
  }
  void close() { storage_.reset(); }
  bool ok() const { return ok_; }
  log_storage& storage() { return *storage_; }

 private:
  const std::filesystem::path dir_;
  std::unique_ptr<env> files_ = make_posix_env();
  std::unique_ptr<durable_storage> storage_;
  bool ok_ = true;
};

void recovery(benchmark::State& state) {
  log_on_disk log(state);
  for (auto _ : state) {
    state.PauseTiming();
    log.close();
    state.ResumeTiming();
    log.open();
  }
  if (!log.ok()) return state.SkipWithError("the disk failed");
  state.SetBytesProcessed(state.iterations() * (state.range(0) << 20));
}
BENCHMARK(recovery)
    ->ArgNames({"MiB", "batch"})
    ->Args({64, 4096})
    ->Args({1024, 4096})
    ->Args({1024, 256})
    ->Unit(benchmark::kMillisecond);

// Of all that is there, however much it is: the files are removed one by one.
void purge(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto log = std::make_unique<log_on_disk>(state);
    state.ResumeTiming();
    if (!log->ok() || !log->storage().purge(log->storage().tail().last.index).ok())
      return state.SkipWithError("the disk failed");
    state.PauseTiming();
    log.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(purge)
    ->ArgNames({"MiB", "batch"})
    ->Args({64, 4096})
    ->Args({1024, 4096})
    ->Iterations(2)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
