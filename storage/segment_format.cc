#include "storage/segment_format.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <xxhash.h>

namespace troupe::storage {
namespace {

constexpr uint64_t header_magic = 0x474c'4550'554f'5254;  // "TROUPELG"
constexpr uint32_t format_version = 1;
constexpr uint32_t flag_starts_log = 1;

struct header_bytes {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t node;
  uint64_t incarnation;
  uint64_t sequence;
  uint64_t previous_term;
  uint64_t previous_node;
  uint64_t previous_index;
  uint64_t previous_checksum;
  uint64_t zero;
  uint64_t checksum;  // XXH3-64 of all before it
};
static_assert(sizeof(header_bytes) == 88);

struct mark_bytes {
  uint64_t checksum;  // XXH3-64, seeded, of all after it
  uint32_t length;
  uint32_t zero;
  uint64_t offset;
  uint64_t term;
  uint64_t node;
  uint64_t index;
  uint64_t tail_checksum;
  uint64_t sequence;  // not in the file
};
static_assert(offsetof(mark_bytes, sequence) == mark::size && mark::size < batch::header_size);

uint64_t checksum_of(const header_bytes& h) {
  return XXH3_64bits(&h, offsetof(header_bytes, checksum));
}

uint64_t checksum_of(const mark_bytes& m, uint64_t incarnation) {
  return XXH3_64bits_withSeed(&m.length, sizeof m - offsetof(mark_bytes, length), incarnation);
}

constexpr std::string_view suffix = ".segment";
constexpr size_t digits = 20;

}  // namespace

std::string encode_header(const segment_header& header) {
  header_bytes h{};
  h.magic = header_magic;
  h.version = format_version;
  h.flags = header.starts_log ? flag_starts_log : 0;
  h.node = header.node.value;
  h.incarnation = header.incarnation;
  h.sequence = header.sequence;
  h.previous_term = header.previous.last.leader.in.value;
  h.previous_node = header.previous.last.leader.node.value;
  h.previous_index = header.previous.last.index.value;
  h.previous_checksum = header.previous.checksum;
  h.checksum = checksum_of(h);
  std::string bytes(segment_header::block_size, '\0');
  std::memcpy(bytes.data(), &h, sizeof h);
  return bytes;
}

absl::StatusOr<segment_header> decode_header(std::string_view bytes) {
  header_bytes h;
  if (bytes.size() < sizeof h) return absl::DataLossError("segment header is cut off");
  std::memcpy(&h, bytes.data(), sizeof h);
  if (h.magic != header_magic || h.checksum != checksum_of(h))
    return absl::DataLossError("segment header is damaged");
  if (h.version != format_version || (h.flags & ~flag_starts_log) != 0)
    return absl::UnimplementedError(absl::StrCat("segment of unknown version ", h.version,
                                                 " (flags ", h.flags,
                                                 "): a newer Troupe wrote it"));
  segment_header header;
  header.node = node_id(h.node);
  header.incarnation = h.incarnation;
  header.sequence = h.sequence;
  header.previous = {
      {{term(h.previous_term), node_id(h.previous_node)}, log_index(h.previous_index)},
      h.previous_checksum};
  header.starts_log = (h.flags & flag_starts_log) != 0;
  return header;
}

std::string encode_mark(const segment_header& segment, const mark& m) {
  mark_bytes b{};
  b.length = mark::size;
  b.offset = m.offset;
  b.term = m.tail.last.leader.in.value;
  b.node = m.tail.last.leader.node.value;
  b.index = m.tail.last.index.value;
  b.tail_checksum = m.tail.checksum;
  b.sequence = segment.sequence;
  b.checksum = checksum_of(b, segment.incarnation);
  return std::string(reinterpret_cast<const char*>(&b), mark::size);
}

std::optional<mark> decode_mark(const segment_header& segment, uint64_t offset,
                                std::string_view bytes) {
  mark_bytes b;
  if (bytes.size() < mark::size) return std::nullopt;
  std::memcpy(&b, bytes.data(), mark::size);
  b.sequence = segment.sequence;
  if (b.length != mark::size || b.offset != offset ||
      b.checksum != checksum_of(b, segment.incarnation))
    return std::nullopt;
  return mark{offset, {{{term(b.term), node_id(b.node)}, log_index(b.index)}, b.tail_checksum}};
}

std::optional<mark> find_mark(const segment_header& segment, std::string_view content,
                              uint64_t from) {
  for (uint64_t at = from; at + mark::size <= content.size(); ++at)
    if (const auto found = decode_mark(segment, at, content.substr(at))) return found;
  return std::nullopt;
}

std::string segment_name(uint64_t sequence) {
  char name[digits + 1];
  std::snprintf(name, sizeof name, "%0*" PRIu64, static_cast<int>(digits), sequence);
  return std::string(name) + std::string(suffix);
}

std::optional<uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != digits + suffix.size() || name.substr(digits) != suffix) return std::nullopt;
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + digits, sequence);
  if (error != std::errc() || end != name.data() + digits) return std::nullopt;
  return sequence;
}

}  // namespace troupe::storage
