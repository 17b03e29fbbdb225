// How many bytes the answers of all sessions of a gateway may take together, from the moment that
// a session asks for them until they are sent.
//
// A session has a share of it. What fits into `free_bytes` counts for nothing, so that small
// answers never wait for others. Shares that want more than there is wait in line, in the order in
// which they asked; whoever takes nothing off his line end holds up no small reader.
//
// One thread at a time uses a budget with all its shares. It outlives them.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>

namespace troupe::resp {

class budget {
 public:
  // Of each share.
  static constexpr size_t free_bytes = 8 << 10;

  explicit budget(size_t bound) : bound_(bound) {}
  budget(const budget&) = delete;
  budget& operator=(const budget&) = delete;

  class share {
   public:
    // `wake` is called after a refusal when it is worth asking again, in the middle of a call of
    // another share: it only leaves a note.
    share(budget& of, std::function<void()> wake) : of_(of), wake_(std::move(wake)) {}
    ~share();
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    // It holds so many bytes now, whether there is room for them or not.
    void hold(size_t bytes);
    // The same if there is room for what they are more. If not, it stands in line.
    bool try_hold(size_t bytes);
    // It wants nothing any more.
    void leave_line();
    // It holds more than its free bytes, and all together more than they may.
    bool pressed() const { return counted_ > 0 && of_.used_ >= of_.bound_; }

   private:
    friend class budget;
    static size_t counted(size_t bytes) { return bytes > free_bytes ? bytes - free_bytes : 0; }

    budget& of_;
    std::function<void()> wake_;
    size_t counted_ = 0;  // what it holds beyond its free bytes
    size_t wanted_ = 0;   // the same, of what it waits for
    bool waits_ = false;  // stands in line
    bool woken_ = false;
  };

  // Somebody waits.
  bool crowded() const { return !line_.empty(); }
  size_t used() const { return used_; }

 private:
  // Who is alone may have more than there is.
  bool has_room(const share& s, size_t counted) const {
    const size_t others = used_ - s.counted_;
    return counted <= s.counted_ || others == 0 || others + counted <= bound_;
  }
  void wake_first();

  const size_t bound_;
  size_t used_ = 0;  // sum of all `counted_`
  std::deque<share*> line_;
};

}  // namespace troupe::resp
