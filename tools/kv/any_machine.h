// Any key-value machine, for tests that all of them must pass.
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

enum class machine_kind { memory };

// One of them, empty at first.
class any_machine {
 public:
  explicit any_machine(machine_kind kind);

  troupe::machine& get() { return *machine_; }
  store& data() { return data_(); }
  const sessions& known_sessions() const { return sessions_(); }

  // The next command of the log, and its reply.
  std::string apply(std::string_view command);
  frames apply(const frames& commands);
  std::string query(std::string_view question);
  // Either, by what it is.
  std::string run(op what, const std::vector<std::string_view>& args, uint8_t flags = 0);

  log_index applied() const { return next_ - 1; }

 private:
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
picture picture_of(any_machine& m);

// A name for each kind in the name of a test.
std::string name_of_kind(const testing::TestParamInfo<machine_kind>& info);
inline const auto both_kinds = testing::Values(machine_kind::memory);

}  // namespace troupe::kv
