// How many commands each machine applies: batches of 256 over small and large key sets.
//
// With a number of MiB it fills the machine on RocksDB with as much instead, in values of 1 KiB,
// and tells how much memory that takes, and how long a snapshot holds up the commands.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "tools/kv/machine.h"
#include "tools/kv/rocksdb_machine.h"

namespace troupe::kv {
namespace {

using encoder = void (*)(const std::string& key, std::string& out);

void encode_set(const std::string& key, std::string& out) {
  const std::string_view args[] = {key, "0123456789abcdef"};
  encode(op::set, 0, args, out);
}

void encode_incr(const std::string& key, std::string& out) {
  const std::string by = encode_number(1);
  const std::string_view args[] = {key, by};
  encode(op::incr_by, 0, args, out);
}

void encode_get(const std::string& key, std::string& out) {
  const std::string_view args[] = {key};
  encode(op::get, 0, args, out);
}

std::vector<frames> make_batches(encoder encode_one, uint64_t keys) {
  std::vector<frames> batches(2000);
  std::string bytes;
  uint64_t random = 1;
  for (frames& batch : batches) {
    for (int i = 0; i < 256; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      encode_one("key:" + std::to_string((random >> 33) % keys), bytes);
      batch.add(bytes);
    }
  }
  return batches;
}

using stopwatch = std::chrono::steady_clock;

double seconds_since(stopwatch::time_point start) {
  return std::chrono::duration<double>(stopwatch::now() - start).count();
}

void measure(const char* name, troupe::machine& m, encoder encode_one, bool writes, uint64_t keys) {
  frames results;
  log_index next(1);
  const auto apply = [&](const frames& batch) {
    m.apply(next, batch, results);
    next += batch.size();
  };
  const auto fill = make_batches(writes ? encode_one : encode_set, keys);
  const auto batches = make_batches(encode_one, keys);
  for (const frames& batch : fill) apply(batch), results.clear();
  const auto start = stopwatch::now();
  uint64_t count = 0;
  for (const frames& batch : batches) {
    results.clear();
    if (writes) {
      apply(batch);
    } else {
      for (const std::string_view q : batch) m.query(q, results);
    }
    count += results.size();
  }
  std::printf("%-5s %8llu keys  %6.2f M/s\n", name, static_cast<unsigned long long>(keys),
              static_cast<double>(count) / seconds_since(start) / 1e6);
}

// In a directory of its own.
class on_disk {
 public:
  on_disk() {
    auto pattern = std::filesystem::temp_directory_path().string() + "/machine-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    rocksdb_machine_options o;
    o.dir = dir_;
    machine_ = std::move(rocksdb_machine::open(std::move(o)).value());
  }
  ~on_disk() {
    machine_ = nullptr;
    std::filesystem::remove_all(dir_);
  }
  rocksdb_machine& operator*() { return *machine_; }

 private:
  std::string dir_;
  std::unique_ptr<rocksdb_machine> machine_;
};

void measure_all(const std::function<void(const char*, encoder, bool, uint64_t)>& one) {
  for (const uint64_t keys : {1000u, 100'000u, 1'000'000u}) {
    one("set", encode_set, true, keys);
    one("incr", encode_incr, true, keys);
    one("get", encode_get, false, keys);
  }
}

uint64_t resident_mib() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * 4096 >> 20;
}

// Random values of 1 KiB in place of one another, until `mib` were written.
class writer {
 public:
  writer(rocksdb_machine& m, uint64_t keys) : machine_(m), keys_(keys) {}
  void write(uint64_t mib) {
    for (uint64_t batches = mib * 4; batches > 0; --batches) {
      frames batch, results;
      for (int i = 0; i < 256; ++i) add(batch);
      machine_.apply(next_, batch, results);
      next_ += batch.size();
    }
  }

 private:
  void add(frames& batch) {
    std::string value(1024, 0), bytes;
    for (size_t i = 0; i < value.size(); i += 8) {
      const uint64_t random = random_();
      std::memcpy(value.data() + i, &random, sizeof random);
    }
    const auto key = "key:" + std::to_string(count_++ % keys_);
    encode(op::set, 0, std::vector<std::string_view>{key, value}, bytes);
    batch.add(bytes);
  }

  rocksdb_machine& machine_;
  const uint64_t keys_;
  uint64_t count_ = 0;
  std::mt19937_64 random_{1};
  log_index next_{1};
};

void fill_and_measure(uint64_t mib) {
  on_disk m;
  writer w(*m, mib << 10);
  auto start = stopwatch::now();
  w.write(mib);
  std::printf("%llu MiB written in %.1f s, resident %llu MiB\n",
              static_cast<unsigned long long>(mib), seconds_since(start),
              static_cast<unsigned long long>(resident_mib()));
  double longest = 0;
  for (int i = 0; i < 10; ++i) {
    w.write(7 + i);
    start = stopwatch::now();
    const auto source = (*m).begin_snapshot();
    longest = std::max(longest, seconds_since(start));
  }
  std::printf("a snapshot holds up the commands for %.0f ms at most of 10\n", 1000 * longest);
  start = stopwatch::now();
  const auto source = (*m).begin_snapshot();
  uint64_t bytes = 0;
  for (auto piece = source->next(); !piece->empty(); piece = source->next()) bytes += piece->size();
  std::printf("%llu MiB of snapshot read in %.1f s, resident %llu MiB\n",
              static_cast<unsigned long long>(bytes >> 20), seconds_since(start),
              static_cast<unsigned long long>(resident_mib()));
}

}  // namespace
}  // namespace troupe::kv

int main(int argc, char** argv) {
  using namespace troupe::kv;
  if (argc == 2) return fill_and_measure(std::stoull(argv[1])), 0;
  std::printf("in memory\n");
  measure_all([](const char* name, encoder encode_one, bool writes, uint64_t keys) {
    machine m;
    measure(name, m, encode_one, writes, keys);
  });
  std::printf("on RocksDB\n");
  measure_all([](const char* name, encoder encode_one, bool writes, uint64_t keys) {
    on_disk m;
    measure(name, *m, encode_one, writes, keys);
  });
}
