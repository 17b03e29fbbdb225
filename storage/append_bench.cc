// How fast the durable logs take batches, beside what the disk can do: one fdatasync for each
// write.
//
//   bazel run --config=opt //storage:append_bench -- --benchmark_enable_random_interleaving=true
//       --benchmark_repetitions=7 --benchmark_report_aggregates_only=true
//
// Uses a directory below $TEST_TMPDIR, or below the current one: name one on the disk in question.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>

#include "storage/durable_storage.h"
#include "storage/memory_storage.h"
#include "storage/on_rocksdb.h"
#include "storage/posix_env.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

std::string bench_dir() {
  const char* tmp = std::getenv("TEST_TMPDIR");
  const auto dir = std::filesystem::path(tmp ? tmp : ".") / "append_bench_data";
  static const struct cleanup {
    std::filesystem::path dir;
    ~cleanup() { std::filesystem::remove_all(dir); }
  } at_the_end{dir};
  std::filesystem::remove_all(dir);
  return dir.string();
}

// The disk alone: overwriting zeros that were written before, growing the file, or filling space
// that was only allocated.
enum how { overwrite, grow, allocated };

void raw_disk(benchmark::State& state, how kind) {
  const auto files = make_posix_env();
  const auto dir = bench_dir();
  if (!files->create_dirs(dir).ok()) return state.SkipWithError("no directory");
  auto to = *files->open(dir + "/raw", open_mode::create);
  constexpr uint64_t room = 64 << 20;
  bool ok = true;
  if (kind == overwrite) ok = to->write(0, std::string(room, '\0')).ok();
  if (kind == allocated) ok = to->allocate(room).ok();
  ok = ok && to->sync().ok();
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  uint64_t at = 0;
  for (auto _ : state) {
    ok = ok && to->write(at, bytes).ok() && to->sync().ok();
    at = at + 2 * bytes.size() < room ? at + bytes.size() : 0;
  }
  if (!ok) state.SkipWithError("the disk failed");
  state.SetItemsProcessed(state.iterations());
}

// range(0): batches in one append and sync; range(1): bytes of a batch.
void append_to(benchmark::State& state, log_storage& to) {
  const auto number = static_cast<size_t>(state.range(0));
  const auto bytes = static_cast<size_t>(state.range(1));
  bool ok = true;
  for (auto _ : state) {
    state.PauseTiming();
    const auto batches = batches_after(to.tail(), leader_of(1), number, 1, bytes - 68);
    state.ResumeTiming();
    ok = ok && to.append(batches).ok() && to.sync().ok();
    if (to.tail().last.index.value % 4096 == 0) ok = ok && to.purge(to.tail().last.index).ok();
  }
  if (!ok) state.SkipWithError("the storage failed");
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(number));
  state.SetBytesProcessed(state.items_processed() * static_cast<int64_t>(bytes));
}

void durable(benchmark::State& state) {
  const auto files = make_posix_env();
  durable_options options;
  options.dir = bench_dir();
  options.node = node_id(1);
  auto to = durable_storage::open(*files, options);
  if (!to.ok()) return state.SkipWithError(std::string(to.status().message()).c_str());
  append_to(state, **to);
}

void rocksdb(benchmark::State& state) {
  auto to = open_on_rocksdb(bench_dir(), node_id(1));
  if (!to.ok()) return state.SkipWithError(std::string(to.status().message()).c_str());
  append_to(state, **to);
}

void memory(benchmark::State& state) {
  memory_storage to;
  append_to(state, to);
}

BENCHMARK_CAPTURE(raw_disk, overwrite, overwrite)->Arg(256)->Arg(4096)->UseRealTime();
BENCHMARK_CAPTURE(raw_disk, grow, grow)->Arg(256)->Arg(4096)->UseRealTime();
BENCHMARK_CAPTURE(raw_disk, allocated, allocated)->Arg(256)->Arg(4096)->UseRealTime();
void sizes(benchmark::internal::Benchmark* of) {
  of->Args({1, 256})
      ->Args({1, 4096})
      ->Args({16, 4096})
      ->Args({256, 256})
      ->Args({1, 1 << 18})
      ->Args({1, 4 << 20})
      ->UseRealTime();
}
BENCHMARK(durable)->Apply(sizes);
BENCHMARK(rocksdb)->Apply(sizes);
BENCHMARK(memory)->Args({1, 256})->Args({64, 256})->UseRealTime();

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
