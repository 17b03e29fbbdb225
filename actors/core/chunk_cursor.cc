#include "actors/core/chunk_cursor.h"

#include <algorithm>

#include "proto/check.h"

namespace troupe::core {

std::optional<chunk_cursor::piece> chunk_cursor::next() const {
  const uint64_t ticket = tickets_ + 1;
  if (!known_ || all_there()) {
    if (!flights_.empty()) return std::nullopt;
    return piece{ticket, known_ ? size_ : 0, 0};
  }
  const auto target = window_.target();
  const uint64_t share = std::clamp(target.value / 4, shortest, longest);
  const uint64_t length = std::min(share, size_ - next_);
  // A second piece keeps the path busy while the first is answered.
  const bool room = (under_way_ + length) <= std::max(target, byte_count(2 * share));
  if (length == 0 || !room) return std::nullopt;
  return piece{ticket, next_, length};
}

void chunk_cursor::sent(const piece& p, instant now) {
  TROUPE_CHECK(p.ticket == tickets_ + 1, "tickets are used in order");
  ++tickets_;
  const byte_count size(p.length);
  auto mark = size ? window_.on_sent(size, under_way_, now) : window::mark{.sent = now};
  flights_.push_back({p.ticket, p.offset, p.length, mark});
  under_way_ += p.length;
  if (size) next_ = p.offset + p.length;
}

std::optional<instant> chunk_cursor::sent_at(uint64_t ticket) const {
  const auto it = std::ranges::find(flights_, ticket, &flight::ticket);
  return it == flights_.end() ? std::nullopt : std::optional(it->mark.sent);
}

void chunk_cursor::on_wanted(uint64_t ticket, uint64_t offset, instant now) {
  const auto it = std::ranges::find(flights_, ticket, &flight::ticket);
  if (it == flights_.end()) return;
  const flight landed = *it;
  flights_.erase(it);
  under_way_ = under_way_ - landed.length;
  if (landed.length != 0) window_.on_delivered(landed.mark, byte_count(landed.length), now);
  offset = std::min(offset, size_);
  if (!known_ || landed.length == 0) {
    known_ = true;
    acknowledged_ = next_ = offset;
    return;
  }
  // It lacks this very piece, or what it had before.
  if (offset < landed.offset + landed.length) return ask_anew();
  acknowledged_ = std::max(acknowledged_, offset);
  next_ = std::max(next_, acknowledged_);
}

void chunk_cursor::on_failure(uint64_t ticket) {
  if (!sent_at(ticket)) return;
  window_.on_lost();
  ask_anew();
}

void chunk_cursor::ask_anew() {
  known_ = false;
  flights_.clear();
  under_way_ = byte_count(0);
}

}  // namespace troupe::core
