#include "tools/kv/any_machine.h"

#include <filesystem>

#include "tools/kv/machine.h"
#include "tools/kv/rocksdb_machine.h"

namespace troupe::kv {
namespace {

constexpr uint64_t log_of_test = 4711;

std::string new_dir() {
  auto pattern = testing::TempDir() + "machine-XXXXXX";
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  return pattern;
}

}  // namespace

any_machine::any_machine(machine_kind kind) : kind_(kind) {
  if (kind == machine_kind::rocksdb) dir_ = new_dir();
  open();
}

any_machine::~any_machine() {
  machine_ = nullptr;
  if (!dir_.empty()) std::filesystem::remove_all(dir_);
}

void any_machine::open() {
  const auto keep = [this](auto m) {
    data_ = [at = m.get()]() -> store& { return at->data(); };
    sessions_ = [at = m.get()]() -> const sessions& { return at->known_sessions(); };
    machine_ = std::move(m);
  };
  if (kind_ == machine_kind::memory) return keep(std::make_unique<machine>());
  rocksdb_machine_options o;
  o.dir = dir_;
  o.incarnation = log_of_test;
  o.database = options_for_a_machine({.cache = 1 << 20, .write_buffer = 64 << 10});
  auto opened = rocksdb_machine::open(std::move(o));
  if (!opened.ok()) throw std::runtime_error(opened.status().ToString());
  keep(*std::move(opened));
}

void any_machine::reopen() {
  if (kind_ == machine_kind::memory) return;
  machine_ = nullptr;
  open();
}

absl::Status any_machine::restore(snapshot_source& from) {
  auto restored = machine_->restore(from);
  next_ = from.last().next();
  return restored;
}

std::string any_machine::apply(std::string_view command) {
  frames one;
  one.add(command);
  return std::string(*apply(one).begin());
}

frames any_machine::apply(const frames& commands) {
  frames results;
  machine_->apply(next_, commands, results);
  EXPECT_EQ(results.size(), commands.size());
  next_ += commands.size();
  return results;
}

std::string any_machine::query(std::string_view question) {
  frames results;
  machine_->query(question, results);
  EXPECT_EQ(results.size(), 1u);
  return std::string(*results.begin());
}

std::string any_machine::run(op what, const std::vector<std::string_view>& args, uint8_t flags) {
  std::string bytes;
  encode(what, flags, args, bytes);
  return is_write(what) ? apply(bytes) : query(bytes);
}

std::map<std::string, std::string> contents(store& data) {
  std::vector<std::string> keys;
  const auto visit = [&](std::string_view key) { keys.emplace_back(key); };
  EXPECT_EQ(data.scan(0, UINT64_MAX, visit, [] { return true; }), 0u);
  EXPECT_EQ(keys.size(), data.size());
  std::map<std::string, std::string> all;
  for (const auto& key : keys) all[key] = data.read(*data.find(key));
  return all;
}

picture picture_of(store& data, const sessions& known) {
  picture p{contents(data), {}, known.given()};
  for (const auto& e : known.entries())
    p.known.push_back(e.id + " " + std::to_string(e.sequence) + " " + e.answer);
  return p;
}

std::string read_all(snapshot_source& from) {
  std::string all;
  for (;;) {
    const auto piece = from.next();
    EXPECT_TRUE(piece.ok()) << piece.status();
    if (!piece.ok() || piece->empty()) return all;
    all += *piece;
  }
}

std::string name_of_kind(const testing::TestParamInfo<machine_kind>& info) {
  return info.param == machine_kind::memory ? "memory" : "rocksdb";
}

}  // namespace troupe::kv
