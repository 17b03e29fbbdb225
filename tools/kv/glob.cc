#include "tools/kv/glob.h"

#include <algorithm>
#include <cstdint>

namespace troupe::kv {
namespace {

// Matches one byte against the class that starts behind '['; `at` moves behind its ']'.
bool match_class(std::string_view pattern, size_t& at, uint8_t byte) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      ++at;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      auto low = static_cast<uint8_t>(pattern[at]);
      auto high = static_cast<uint8_t>(pattern[at + 2]);
      if (low > high) std::swap(low, high);
      found |= low <= byte && byte <= high;
      at += 3;
      continue;
    }
    found |= static_cast<uint8_t>(pattern[at++]) == byte;
  }
  if (at < pattern.size()) ++at;
  return found != negated;
}

// Matches one byte against the element at `at`, which is not '*', and moves behind that element.
bool match_one(std::string_view pattern, size_t& at, char byte) {
  switch (pattern[at]) {
    case '?':
      return ++at, true;
    case '[':
      return match_class(pattern, ++at, static_cast<uint8_t>(byte));
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      [[fallthrough]];
    default:
      return pattern[at++] == byte;
  }
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  constexpr size_t none = -1;
  size_t at = 0;
  size_t retry_pattern = none;
  size_t retry_text = 0;
  for (size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      retry_pattern = ++at;
      retry_text = i;
    } else if (at < pattern.size() && match_one(pattern, at, text[i])) {
      ++i;
    } else if (retry_pattern != none) {
      // The last star takes one byte more.
      at = retry_pattern;
      i = ++retry_text;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace troupe::kv
