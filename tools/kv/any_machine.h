// Either key-value machine, for tests that both must pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "actors/machine.h"
#include "tools/kv/command.h"
#include "tools/kv/sessions.h"
#include "tools/kv/store.h"

namespace troupe::kv {

enum class machine_kind { memory, rocksdb };

// One of them, empty at first. That on RocksDB has a directory of its own, removed in the end, and
// buffers so small that a test crosses many of its files.
class any_machine {
 public:
  explicit any_machine(machine_kind kind);
  ~any_machine();

  troupe::machine& get() { return *machine_; }
  const std::string& dir() const { return dir_; }
  store& data() { return data_(); }
  const sessions& known_sessions() const { return sessions_(); }

  // The next command of the log, and its reply.
  std::string apply(std::string_view command);
  frames apply(const frames& commands);
  std::string query(std::string_view question);
  // Either, by what it is.
  std::string run(op what, const std::vector<std::string_view>& args, uint8_t flags = 0);

  absl::Status restore(snapshot_source& from);
  // Its process ends and starts again. One in memory stays as it is.
  void reopen();
  log_index applied() const { return next_ - 1; }

 private:
  void open();

  const machine_kind kind_;
  std::string dir_;
  std::unique_ptr<troupe::machine> machine_;
  // Others after each restore.
  std::function<store&()> data_;
  std::function<const sessions&()> sessions_;
  log_index next_{1};
};

// All keys and their values.
std::map<std::string, std::string> contents(store& data);

// What a machine is, but for the numbers of uses, of which only the order counts.
struct picture {
  std::map<std::string, std::string> data;
  std::vector<std::string> known;
  uint64_t given = 0;

  bool operator==(const picture&) const = default;
};
picture picture_of(store& data, const sessions& known);
template <class Machine>
picture picture_of(Machine& m) {
  return picture_of(m.data(), m.known_sessions());
}

// Gives bytes of a snapshot, cut into pieces of this size.
class bytes_source final : public snapshot_source {
 public:
  explicit bytes_source(std::string bytes, size_t size = 5000, log_index last = {})
      : bytes_(std::move(bytes)), size_(size), last_(last) {}
  absl::StatusOr<std::string> next() override {
    const auto piece = bytes_.substr(at_, size_);
    at_ += piece.size();
    return piece;
  }
  log_index last() const override { return last_; }

 private:
  const std::string bytes_;
  const size_t size_;
  const log_index last_;
  size_t at_ = 0;
};
// All of it.
std::string read_all(snapshot_source& from);

// A name for each kind in the name of a test.
std::string name_of_kind(const testing::TestParamInfo<machine_kind>& info);
inline const auto both_kinds = testing::Values(machine_kind::memory, machine_kind::rocksdb);

}  // namespace troupe::kv
