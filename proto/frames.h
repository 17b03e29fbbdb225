// Many byte strings in one contiguous buffer: each is a little-endian uint32 length and its bytes.
//
// Commands, queries and results travel in this form from the client's edge to the state machine, so
// that whole runs are copied at once and nothing is allocated for each entry.
#pragma once

#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

namespace troupe {

// Reads frames that are known to be well formed. Does not own its bytes.
class frames_view {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    iterator() = default;
    explicit iterator(const char* at) : at_(at) {}
    std::string_view operator*() const { return {at_ + sizeof(uint32_t), length()}; }
    iterator& operator++() { return at_ += sizeof(uint32_t) + length(), *this; }
    iterator operator++(int) {
      auto old = *this;
      return ++*this, old;
    }
    bool operator==(const iterator&) const = default;

   private:
    uint32_t length() const {
      uint32_t n;
      std::memcpy(&n, at_, sizeof n);
      return n;
    }
    const char* at_ = nullptr;
  };

  frames_view() = default;
  frames_view(std::string_view bytes, uint32_t count) : bytes_(bytes), count_(count) {}

  iterator begin() const { return iterator(bytes_.data()); }
  iterator end() const { return iterator(bytes_.data() + bytes_.size()); }
  std::string_view bytes() const { return bytes_; }
  uint32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  // The first `count` of them, no more than there are.
  frames_view first(uint32_t count) const;

  // True when `bytes` holds exactly `count` frames and nothing else. Use it on all that came from a
  // disk or a peer.
  static bool well_formed(std::string_view bytes, uint32_t count);

 private:
  std::string_view bytes_;
  uint32_t count_ = 0;
};

// An owning, growing sequence of frames.
class frames {
 public:
  frames() = default;
  explicit frames(frames_view v) : bytes_(v.bytes()), count_(v.size()) {}
  // Precondition: well_formed(bytes, count).
  frames(std::string bytes, uint32_t count) : bytes_(std::move(bytes)), count_(count) {}

  void add(std::string_view item);
  // Appends a whole run with one copy.
  void add_all(frames_view run);
  // Keeps the first `count`, which take `bytes`, and gives the memory of the others back.
  void keep(uint32_t count, size_t bytes);
  void clear() { bytes_.clear(), count_ = 0; }

  operator frames_view() const { return {bytes_, count_}; }  // NOLINT: a view of itself
  frames_view view() const { return *this; }
  auto begin() const { return view().begin(); }
  auto end() const { return view().end(); }
  uint32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  uint32_t count_ = 0;
};

}  // namespace troupe
