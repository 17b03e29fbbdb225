#include "tools/kv/pieces.h"

namespace troupe::kv {

std::string_view taker::bytes(size_t count) {
  while (status_.ok() && bytes_.size() - at_ < count) more();
  if (!status_.ok()) return {};
  at_ += count;
  return std::string_view(bytes_).substr(at_ - count, count);
}

void taker::expect_end() {
  if (!status_.ok()) return;
  const auto rest = from_.next();
  if (!rest.ok())
    status_ = rest.status();
  else if (at_ != bytes_.size() || !rest->empty())
    fail("something follows its end");
}

void taker::fail(const std::string& why) {
  if (status_.ok()) status_ = absl::DataLossError(why);
}

void taker::more() {
  auto piece = from_.next();
  if (!piece.ok())
    status_ = piece.status();
  else if (piece->empty())
    fail("it ends before its end");
  else
    bytes_.erase(0, std::exchange(at_, 0)), bytes_ += *piece;
}

}  // namespace troupe::kv
