// Tracing: what an actor or core object does, as events inside spans, over glog.
//
//   TROUPE_SPAN(debug, "leader.propose", "request=" << id);   // until the end of the scope
//   TROUPE_EVENT(trace) << "holds " << count << " commands";
//
// An event's line starts with the spans that it happens in. What is enabled is chosen at run time
// with `verbosity`; levels above TROUPE_TRACE_LEVEL are removed at compile time with their strings
// (`--copt=-DTROUPE_TRACE_LEVEL=2` keeps error, warn and info).
//
// Thread safe: spans belong to the thread that runs them. This is the one thing that the pure core
// does besides deciding; it never reads anything back.
#pragma once

#include <atomic>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>

#ifndef TROUPE_TRACE_LEVEL
#define TROUPE_TRACE_LEVEL 4
#endif

namespace troupe::trace {

enum class level : int { error = 0, warn = 1, info = 2, debug = 3, trace = 4 };

// The highest level that is written, `info` at first.
extern std::atomic<int> verbosity;

constexpr bool compiled(level l) { return static_cast<int>(l) <= TROUPE_TRACE_LEVEL; }
inline bool enabled(level l) {
  return static_cast<int>(l) <= verbosity.load(std::memory_order_relaxed);
}

// Collects one line and writes it at the end of the full expression.
class line {
 public:
  line(level l, const char* file, int number) : level_(l), file_(file), number_(number) {}
  ~line();
  std::ostream& stream() { return text_; }

 private:
  level level_;
  const char* file_;
  int number_;
  std::ostringstream text_;
};

// Binds weaker than << and stronger than ?:, so that an event is one void expression.
struct to_void {
  void operator&(std::ostream&) const {}
};

// Names what the thread is in the middle of. Spans nest and end in reverse order.
class span {
 public:
  template <class Describe>
  span(level l, Describe&& describe) {
    if (enabled(l)) enter(describe());
  }
  ~span() {
    if (entered_) leave();
  }
  span(const span&) = delete;
  span& operator=(const span&) = delete;

 private:
  void enter(std::string text);
  void leave();
  bool entered_ = false;
};

// Stands where a span was removed at compile time.
struct no_span {
  template <class Describe>
  no_span(level, Describe&&) {}
};

template <bool Compiled>
struct choose_span {
  using type = span;
};
template <>
struct choose_span<false> {
  using type = no_span;
};

}  // namespace troupe::trace

// An expression, because an `if` in a macro makes the caller's own `else` ambiguous. The compiler
// drops the branch of a constant condition with its strings; strip_test holds it to that.
#define TROUPE_EVENT(lv)                                                      \
  static_cast<int>(::troupe::trace::level::lv) > TROUPE_TRACE_LEVEL ? (void)0 \
  : !::troupe::trace::enabled(::troupe::trace::level::lv)                     \
      ? (void)0                                                               \
      : ::troupe::trace::to_void() &                                          \
            ::troupe::trace::line(::troupe::trace::level::lv, __FILE__, __LINE__).stream()

#define TROUPE_SPAN_NAME_(a, b) a##b
#define TROUPE_SPAN_NAME(a, b) TROUPE_SPAN_NAME_(a, b)
#define TROUPE_SPAN(lv, name, fields)                                               \
  [[maybe_unused]] typename ::troupe::trace::choose_span<::troupe::trace::compiled( \
      ::troupe::trace::level::lv)>::type                                            \
  TROUPE_SPAN_NAME(span_, __LINE__)(::troupe::trace::level::lv, [&] {               \
    std::ostringstream span_text;                                                   \
    span_text << name << '{' << fields << '}';                                      \
    return std::move(span_text).str();                                              \
  })
