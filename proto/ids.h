// The field's own words as types: term, index, node, log id, vote.
//
// All are small values: copy them freely. Zero means "none yet" for every one of them; the first
// term, index and node id is 1 (the log starts with the membership at index 1).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace troupe {

// A number that cannot be mistaken for another kind of number.
template <class Tag>
struct strong {
  uint64_t value = 0;

  constexpr strong() = default;
  constexpr explicit strong(uint64_t v) : value(v) {}
  constexpr auto operator<=>(const strong&) const = default;
  constexpr explicit operator bool() const { return value != 0; }
  constexpr strong next() const { return strong(value + 1); }
  constexpr strong operator+(uint64_t n) const { return strong(value + n); }
  constexpr strong operator-(uint64_t n) const { return strong(value - n); }
  constexpr strong& operator+=(uint64_t n) { return value += n, *this; }
  friend std::ostream& operator<<(std::ostream& out, strong s) { return out << s.value; }
};

using term = strong<struct term_tag>;
using log_index = strong<struct log_index_tag>;
using node_id = strong<struct node_id_tag>;
using request_id = strong<struct request_id_tag>;

// A number of bytes: every bound in Troupe is one.
using byte_count = strong<struct byte_count_tag>;

inline constexpr byte_count no_bound{UINT64_MAX};
constexpr byte_count KiB(uint64_t n) { return byte_count(n << 10); }
constexpr byte_count MiB(uint64_t n) { return byte_count(n << 20); }

// Time comes from an actor's clock, so both are virtual under test.
using duration = std::chrono::nanoseconds;
using instant = std::chrono::time_point<std::chrono::steady_clock, duration>;

// Who leads, since when: (term, node). In advanced mode ordered by both, in standard mode one per
// term (see actors/core/vote_order.h).
struct leader_id {
  term in;
  node_id node;

  constexpr auto operator<=>(const leader_id&) const = default;
  constexpr explicit operator bool() const { return static_cast<bool>(in); }
};

// Names one entry for ever: no two different entries share a log id (thesis 3.5, log matching).
struct log_id {
  leader_id leader;
  log_index index;

  constexpr auto operator<=>(const log_id&) const = default;
  constexpr explicit operator bool() const { return static_cast<bool>(index); }
};

// What a node promised. Uncommitted: it granted a candidate. Committed: an election quorum did, so
// the leader is known. Compare with vote_order, never field by field.
struct vote {
  leader_id leader;
  bool committed = false;

  constexpr bool operator==(const vote&) const = default;
};

// From `first` on, until the next run starts, all entries of a log were written by `leader`.
struct leader_run {
  log_index first;
  leader_id leader;

  constexpr bool operator==(const leader_run&) const = default;
};

// The end of a log: its last entry and the checksum of the batch that holds it.
struct log_tail {
  log_id last;
  uint64_t checksum = 0;

  constexpr bool operator==(const log_tail&) const = default;
};

// Names the bytes of one snapshot: two of the same name are the same, on whatever node.
struct snapshot_name {
  log_id last;            // all entries up to here are in it
  uint64_t size = 0;      // in bytes
  uint64_t checksum = 0;  // of its end, which covers all before it

  constexpr bool operator==(const snapshot_name&) const = default;
};

std::ostream& operator<<(std::ostream& out, const leader_id& id);
std::ostream& operator<<(std::ostream& out, const log_id& id);
std::ostream& operator<<(std::ostream& out, const vote& v);

}  // namespace troupe

template <class Tag>
struct std::hash<troupe::strong<Tag>> {
  size_t operator()(troupe::strong<Tag> s) const noexcept { return std::hash<uint64_t>{}(s.value); }
};
