#include "proto/frames.h"

namespace troupe {

bool frames_view::well_formed(std::string_view bytes, uint32_t count) {
  for (; count != 0; --count) {
    uint32_t length;
    if (bytes.size() < sizeof length) return false;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes.remove_prefix(sizeof length);
    if (bytes.size() < length) return false;
    bytes.remove_prefix(length);
  }
  return bytes.empty();
}

frames_view frames_view::first(uint32_t count) const {
  size_t length = 0;
  auto next = begin();
  for (uint32_t i = 0; i < count; ++i) length += sizeof(uint32_t) + (*next++).size();
  return {bytes_.substr(0, length), count};
}

void frames::add(std::string_view item) {
  const auto length = static_cast<uint32_t>(item.size());
  bytes_.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes_.append(item);
  ++count_;
}

void frames::add_all(frames_view run) {
  bytes_.append(run.bytes());
  count_ += run.size();
}

void frames::keep(uint32_t count, size_t bytes) {
  bytes_.resize(bytes);
  bytes_.shrink_to_fit();
  count_ = count;
}

}  // namespace troupe
