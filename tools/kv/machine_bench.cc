// How many commands one core applies: batches of 256 over a small and a large key set.
#include <chrono>
#include <cstdio>
#include <string>

#include "tools/kv/machine.h"

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

void measure(const char* name, encoder encode_one, bool writes, uint64_t keys) {
  machine m;
  frames results;
  const auto fill = make_batches(writes ? encode_one : encode_set, keys);
  const auto batches = make_batches(encode_one, keys);
  for (const frames& batch : fill) m.apply(log_index(1), batch, results), results.clear();
  const auto start = std::chrono::steady_clock::now();
  uint64_t count = 0;
  for (const frames& batch : batches) {
    results.clear();
    if (writes) {
      m.apply(log_index(1), batch, results);
    } else {
      for (const std::string_view q : batch) m.query(q, results);
    }
    count += results.size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%-5s %8llu keys  %6.2f M/s\n", name, static_cast<unsigned long long>(keys),
              static_cast<double>(count) / took.count() / 1e6);
}

}  // namespace
}  // namespace troupe::kv

int main() {
  using namespace troupe::kv;
  for (const uint64_t keys : {1000u, 100'000u, 1'000'000u}) {
    measure("set", encode_set, true, keys);
    measure("incr", encode_incr, true, keys);
    measure("get", encode_get, false, keys);
  }
}
