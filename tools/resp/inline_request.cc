#include "tools/resp/inline_request.h"

#include <charconv>

namespace troupe::resp {
namespace {

constexpr std::string_view unbalanced = "unbalanced quotes in request";

bool is_space(char c) { return c == ' ' || c == '\t'; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Reads the escape behind a backslash; `at` moves behind it.
char unescape(std::string_view line, size_t& at) {
  if (line[at] == 'x' && at + 2 < line.size()) {
    unsigned value = 0;
    const char* digits = line.data() + at + 1;
    if (std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      at += 3;
      return static_cast<char>(value);
    }
  }
  switch (const char c = line[at++]) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads up to the closing quote; `at` stands behind the opening one and moves behind the closing
// one.
bool read_quoted(std::string_view line, size_t& at, char quote, std::string& bytes) {
  while (at < line.size()) {
    if (line[at] == quote) {
      ++at;
      return at == line.size() || is_space(line[at]);
    }
    if (line[at] == '\\' && at + 1 < line.size() && quote == '"') {
      bytes.push_back(unescape(line, ++at));
    } else if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '\'') {
      bytes.push_back('\'');
      at += 2;
    } else {
      bytes.push_back(line[at++]);
    }
  }
  return false;
}

}  // namespace

std::string_view split_inline(std::string_view line, std::string& bytes,
                              std::vector<size_t>& ends) {
  for (const char c : line)
    if (is_control(c)) return "binary data in an inline request";
  size_t at = 0;
  while (true) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return {};
    while (at < line.size() && !is_space(line[at])) {
      const char c = line[at];
      if (c != '"' && c != '\'') {
        bytes.push_back(c);
        ++at;
      } else if (!read_quoted(line, ++at, c, bytes)) {
        return unbalanced;
      }
    }
    ends.push_back(bytes.size());
  }
}

}  // namespace troupe::resp
