#include "tools/kv/snapshot.h"

#include <cstring>
#include <vector>

#include "tools/kv/command.h"

namespace troupe::kv {
namespace {

constexpr size_t piece_bytes = 64 << 10;
constexpr std::string_view magic = "TROUPEK1";
constexpr size_t longest = max_value_bytes + (1 << 16);

enum class tag : uint8_t { pair = 1, session = 2, end = 3 };

template <class Number>
void put(std::string& out, Number n) {
  out.append(reinterpret_cast<const char*>(&n), sizeof n);
}

void put(std::string& out, std::string_view a, std::string_view b) {
  put(out, static_cast<uint32_t>(a.size()));
  put(out, static_cast<uint32_t>(b.size()));
  out.append(a).append(b);
}

// Takes what was put, over the bounds of pieces. After an error all that it gives is 0 or empty.
class taker {
 public:
  explicit taker(snapshot_source& from) : from_(from) {}

  const absl::Status& status() const { return status_; }
  // Valid until the next call.
  std::string_view bytes(size_t count) {
    while (status_.ok() && bytes_.size() - at_ < count) more();
    if (!status_.ok()) return {};
    at_ += count;
    return std::string_view(bytes_).substr(at_ - count, count);
  }
  template <class Number>
  Number number() {
    Number n = 0;
    const auto from = bytes(sizeof n);
    std::memcpy(&n, from.data(), from.size());
    return n;
  }
  // Two texts behind their lengths.
  std::pair<std::string_view, std::string_view> texts() {
    const size_t first = number<uint32_t>(), second = number<uint32_t>();
    if (first > longest || second > longest) fail("a length that nothing has");
    const auto both = bytes(first + second);
    return status_.ok() ? std::pair(both.substr(0, first), both.substr(first))
                        : std::pair<std::string_view, std::string_view>();
  }
  void expect_end() {
    if (!status_.ok()) return;
    const auto rest = from_.next();
    if (!rest.ok())
      status_ = rest.status();
    else if (at_ != bytes_.size() || !rest->empty())
      fail("something follows its end");
  }
  void fail(const char* why) {
    if (status_.ok()) status_ = absl::DataLossError(why);
  }

 private:
  void more() {
    auto piece = from_.next();
    if (!piece.ok())
      status_ = piece.status();
    else if (piece->empty())
      fail("it ends before its end");
    else
      bytes_.erase(0, std::exchange(at_, 0)), bytes_ += *piece;
  }

  snapshot_source& from_;
  absl::Status status_;
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace

snapshot::snapshot(table& data, sessions& known) : data_(data), sessions_(known) {}

absl::StatusOr<std::string> snapshot::next() {
  std::string piece;
  if (ended_) return piece;
  piece.reserve(piece_bytes + 4096);
  if (!std::exchange(begun_, true)) piece += magic;
  const auto has_room = [&] { return piece.size() < piece_bytes; };
  const auto pair = [&](std::string_view key, std::string_view value) {
    ++pairs_;
    put(piece, tag::pair);
    put(piece, key, value);
  };
  const auto session = [&](const sessions::entry& e) {
    ++known_;
    put(piece, tag::session);
    put(piece, e.sequence);
    put(piece, e.used);
    put(piece, e.id, e.answer);
  };
  if (data_.read(pair, has_room) || sessions_.read(session, has_room)) return piece;
  put(piece, tag::end);
  put(piece, pairs_);
  put(piece, known_);
  put(piece, sessions_.given());
  ended_ = true;
  return piece;
}

absl::Status restore(snapshot_source& from, table& data, sessions& known) {
  taker in(from);
  data.clear();
  if (in.bytes(magic.size()) != magic && in.status().ok())
    return absl::UnimplementedError("no snapshot of a key-value machine of a known version");
  std::vector<sessions::entry> all;
  bool ended = false;
  while (!ended && in.status().ok()) {
    const auto next = tag(in.number<uint8_t>());
    if (next == tag::pair) {
      const auto [key, value] = in.texts();
      data.put(key, value);
    } else if (next == tag::session) {
      const auto sequence = in.number<uint64_t>(), used = in.number<uint64_t>();
      const auto [id, answer] = in.texts();
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
