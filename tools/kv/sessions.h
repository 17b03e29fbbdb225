// What makes a write that is sent twice happen once: for each session, its last sequence and the
// answer to it (Ongaro's thesis, 6.3).
//
// A part of the replicated state: it depends on the log alone, also in what it forgets. When it
// outgrows a bound it forgets the session that was used longest ago in the order of the log.
// `entries()` in that order and `given()` are the whole state. What it was at one moment can be
// read while it goes on (sessions_view.h).
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace troupe::kv {

// How many sessions are remembered, and how much memory is theirs.
struct sessions_bounds {
  size_t count = 100'000;
  size_t bytes = 64 << 20;  // of ids, answers, and `sessions::overhead` for each session
};

class sessions_view;

class sessions {
 public:
  struct entry {
    std::string id;
    uint64_t sequence = 0;  // the last one; 0: none yet
    std::string answer;     // to it
    uint64_t used = 0;      // counts up from use to use: the order in which they are forgotten
  };
  // What a session costs besides its id and its answer.
  static constexpr size_t overhead = 128;

  // `on_forgotten` is told the id of each one that is forgotten.
  explicit sessions(sessions_bounds bounds = {},
                    std::function<void(std::string_view id)> on_forgotten = nullptr)
      : bounds_(bounds), on_forgotten_(std::move(on_forgotten)) {}
  sessions(const sessions&) = delete;
  sessions& operator=(const sessions&) = delete;

  // An id that was never given before, `@1` and so on; it is known from now on. Valid until the
  // next call.
  std::string_view open();
  // Whether only `open` can have begun the session: one that is not known was forgotten.
  static bool is_given(std::string_view id) { return id.starts_with('@'); }

  // The session, null when it is not known. Counts as a use. Valid until the next call.
  const entry* use(std::string_view id);
  // The session's last sequence and its answer; a session that is not known begins.
  void keep(std::string_view id, uint64_t sequence, std::string_view answer);

  // In place of all there is, in whatever order; their `used` says which is forgotten first.
  void restore(std::vector<entry> all, uint64_t given);

  // The one that was used longest ago first.
  const std::list<entry>& entries() const { return entries_; }
  uint64_t given() const { return given_; }
  // So far: what was used since has a greater `used`, and stands at the end of entries().
  uint64_t uses() const { return uses_; }
  size_t bytes() const { return bytes_; }

 private:
  friend class sessions_view;
  using place = std::list<entry>::iterator;

  static size_t cost(const entry& e) { return e.id.size() + e.answer.size() + overhead; }
  void change(place e);
  void forget_oldest();

  sessions_bounds bounds_;
  const std::function<void(std::string_view id)> on_forgotten_;
  std::list<entry> entries_;
  absl::flat_hash_map<std::string_view, place> index_;  // the keys are the entries' ids
  size_t bytes_ = 0;
  uint64_t given_ = 0;
  uint64_t uses_ = 0;
  sessions_view* view_ = nullptr;
};

}  // namespace troupe::kv
