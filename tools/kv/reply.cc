#include "tools/kv/reply.h"

#include <charconv>

namespace troupe::kv {
namespace {

template <class Number>
void append_header(std::string& out, char type, Number n) {
  char text[24];
  text[0] = type;
  char* end = std::to_chars(text + 1, text + 22, n).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, end - text);
}

}  // namespace

void append_bulk(std::string& out, std::string_view bytes) {
  append_header(out, '$', bytes.size());
  out.append(bytes);
  out.append("\r\n");
}

void append_integer(std::string& out, int64_t n) { append_header(out, ':', n); }

void append_array(std::string& out, uint64_t count) { append_header(out, '*', count); }

void append_error(std::string& out, std::string_view text) {
  out.push_back('-');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
  out.append("\r\n");
}

}  // namespace troupe::kv
