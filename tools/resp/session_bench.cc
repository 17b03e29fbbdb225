// How many pipelined commands one core parses, and takes through a session to a machine and back.
#include <chrono>
#include <cstdio>
#include <string>

#include "tools/kv/machine.h"
#include "tools/resp/session.h"

namespace troupe::resp {
namespace {

constexpr int commands = 2'000'000;
constexpr size_t read_bytes = 64 << 10;

std::string pipeline(bool set) {
  std::string bytes;
  for (int i = 0; i < commands; ++i) {
    const std::string key = "key:" + std::to_string(100'000 + i % 1000);
    if (set)
      bytes += "*3\r\n$3\r\nSET\r\n$10\r\n" + key + "\r\n$16\r\n0123456789abcdef\r\n";
    else
      bytes += "*2\r\n$3\r\nGET\r\n$10\r\n" + key + "\r\n";
  }
  return bytes;
}

template <class Run>
void measure(const char* name, const std::string& bytes, Run&& run) {
  const auto start = std::chrono::steady_clock::now();
  std::string_view rest = bytes;
  size_t count = 0;
  while (!rest.empty()) {
    count += run(rest.substr(0, read_bytes));
    rest.remove_prefix(std::min(read_bytes, rest.size()));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%-22s %6.2f M commands/s  (%zu)\n", name, commands / took.count() / 1e6, count);
}

void measure_all(const char* what, bool set) {
  const std::string bytes = pipeline(set);
  const std::string label = what;
  parser p;
  measure((label + " parse").c_str(), bytes, [&](std::string_view input) {
    size_t count = 0;
    while (p.next(input) == parser::step::command) ++count;
    return count;
  });
  budget unbounded(SIZE_MAX);
  session s(1, {}, unbounded, [] {});
  kv::machine machine;
  frames results;
  measure((label + " session+machine").c_str(), bytes, [&](std::string_view input) {
    s.on_bytes(input);
    for (auto actions = s.take_actions(); !actions.empty(); actions = s.take_actions()) {
      for (const action& a : actions) {
        results.clear();
        if (a.what == action::kind::propose) {
          machine.apply(log_index(1), a.commands, results);
        } else {
          for (const std::string_view q : a.commands) machine.query(q, results);
        }
        s.on_results(a.id, results);
      }
    }
    const size_t size = s.take_output().size();
    s.on_sent();
    return size;
  });
}

}  // namespace
}  // namespace troupe::resp

int main() {
  troupe::resp::measure_all("set", true);
  troupe::resp::measure_all("get", false);
}
