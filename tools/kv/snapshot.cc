#include "tools/kv/snapshot.h"

#include <cstring>
#include <vector>

#include "tools/kv/command.h"

namespace troupe::kv {
namespace {

constexpr size_t longest = max_value_bytes + (1 << 16);

enum class tag : uint8_t { pair = 1, session = 2, end = 3 };

void put(std::string& out, std::string_view a, std::string_view b) {
  put_number(out, static_cast<uint32_t>(a.size()));
  put_number(out, static_cast<uint32_t>(b.size()));
  out.append(a).append(b);
}

// Two texts behind their lengths.
std::pair<std::string_view, std::string_view> take_two(taker& from) {
  const size_t first = from.number<uint32_t>(), second = from.number<uint32_t>();
  if (first > longest || second > longest) from.fail("a length that nothing has");
  const auto both = from.bytes(first + second);
  if (!from.status().ok()) return {};
  return {both.substr(0, first), both.substr(first)};
}

}  // namespace

snapshot::snapshot(table& data, sessions& known) : data_(data), sessions_(known) {}

absl::StatusOr<std::string> snapshot::next() {
  std::string piece;
  if (ended_) return piece;
  piece.reserve(piece_bytes + 4096);
  if (!std::exchange(begun_, true)) piece += pairs_magic;
  const auto has_room = [&] { return piece.size() < piece_bytes; };
  const auto pair = [&](std::string_view key, std::string_view value) {
    ++pairs_;
    put_number(piece, tag::pair);
    put(piece, key, value);
  };
  const auto session = [&](const sessions::entry& e) {
    ++known_;
    put_number(piece, tag::session);
    put_number(piece, e.sequence);
    put_number(piece, e.used);
    put(piece, e.id, e.answer);
  };
  if (data_.read(pair, has_room) || sessions_.read(session, has_room)) return piece;
  put_number(piece, tag::end);
  put_number(piece, pairs_);
  put_number(piece, known_);
  put_number(piece, sessions_.given());
  ended_ = true;
  return piece;
}

absl::Status unknown_snapshot() {
  return absl::UnimplementedError("no snapshot of a key-value machine of a known version");
}

absl::Status check_for_memory(std::string_view begin) {
  if (!begin.starts_with(files_magic)) return absl::OkStatus();
  return absl::UnimplementedError(
      "it is the snapshot of a machine on RocksDB, which the machine in memory cannot take: start "
      "this node with --machine=rocksdb");
}

absl::Status restore(snapshot_source& from, table& data, sessions& known) {
  taker in(from);
  data.clear();
  const auto magic = in.bytes(magic_bytes);
  if (!in.status().ok()) return in.status();
  if (auto fit = check_for_memory(magic); !fit.ok()) return fit;
  if (magic != pairs_magic) return unknown_snapshot();
  return restore_pairs(in, data, known, [] {});
}

absl::Status restore_pairs(taker& in, store& data, sessions& known,
                           absl::FunctionRef<void()> stored) {
  std::vector<sessions::entry> all;
  bool ended = false;
  while (!ended && in.status().ok()) {
    const auto next = tag(in.number<uint8_t>());
    if (next == tag::pair) {
      const auto [key, value] = take_two(in);
      if (in.status().ok()) data.put(key, value), stored();
    } else if (next == tag::session) {
      const auto sequence = in.number<uint64_t>(), used = in.number<uint64_t>();
      const auto [id, answer] = take_two(in);
      if (used == 0) in.fail("a session that was never used");
      all.push_back({std::string(id), sequence, std::string(answer), used});
    } else if (next == tag::end) {
      ended = true;
    } else {
      in.fail("what is no pair, no session and no end");
    }
  }
  const bool complete = in.number<uint64_t>() == data.size() && in.number<uint64_t>() == all.size();
  if (!complete) in.fail("it does not have all that it should");
  known.restore(std::move(all), in.number<uint64_t>());
  in.expect_end();
  return in.status();
}

}  // namespace troupe::kv
