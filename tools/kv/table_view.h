// What a table held when this was made, read piece by piece while the table goes on.
//
// Nothing is copied at the start. The view walks the table in the order of hashes; an entry that it
// has not come to yet and that changes is kept here as it was, and read before the walk goes on. So
// each entry is read once, in no particular order, and the memory that it takes is what changes
// between two reads. (A persistent structure would make each command slower, snapshot or not.)
//
// At most one view of a table at a time; either may end before the other. One thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/kv/table.h"

namespace troupe::kv {

class table_view {
 public:
  explicit table_view(table& of);
  ~table_view();
  table_view(const table_view&) = delete;
  table_view& operator=(const table_view&) = delete;

  // Gives entries to `visit(key, value)` until `go_on()` says no, or all were given: false then.
  template <class Visit, class GoOn>
  bool read(Visit&& visit, GoOn&& go_on) {
    while (!kept_.empty()) {
      const auto one = std::move(kept_.back());
      kept_.pop_back();
      kept_bytes_ -= one.key.size() + one.value.size();
      visit(std::string_view(one.key), std::string_view(one.value));
      if (!go_on()) return true;
    }
    for (; cursor_ < table::hash_limit; next_bucket()) {
      for (table::entry* e = bucket(); e != nullptr; e = e->next) {
        if (needs(*e)) visit(std::string_view(e->key), std::string_view(e->value));
        if (e->view != 0) e->view = 0;
      }
      if (!go_on()) return next_bucket(), true;
    }
    return false;
  }
  // Of the entries that changed and were not read yet.
  size_t kept_bytes() const { return kept_bytes_; }
  // The table lost all that it had, which is here only.
  bool took_over() const { return table_ == nullptr; }

 private:
  friend class table;
  struct pair {
    std::string key;
    std::string value;
  };

  // Whether it will come to this entry.
  bool needs(const table::entry& e) const { return e.hash >= cursor_ && e.view != number_; }
  void keep(table::entry& e, std::string value);
  // The table is about to lose all that it has.
  void take_over();
  const table::buckets& walked() const { return table_ != nullptr ? table_->buckets_ : taken_; }
  table::entry* bucket() const { return walked()[cursor_ >> (48 - bits())]; }
  int bits() const { return table_ != nullptr ? table_->bits_ : taken_bits_; }
  void next_bucket();

  table* table_;  // null: it was cleared, and the walk goes on in
  table::buckets taken_;
  int taken_bits_ = 0;
  uint16_t number_;
  uint64_t cursor_ = 0;  // all below this hash was read
  std::vector<pair> kept_;
  size_t kept_bytes_ = 0;
};

}  // namespace troupe::kv
