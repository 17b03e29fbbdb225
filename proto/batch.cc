#include "proto/batch.h"

#include <bit>
#include <cstring>

#include <xxhash.h>

#include "absl/status/status.h"
#include "proto/check.h"

namespace troupe {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr uint8_t format_version = 1;

struct header {
  uint64_t checksum;
  uint32_t length;
  uint8_t version;
  uint8_t kind;
  uint16_t zero_16;
  uint64_t term;
  uint64_t node;
  uint64_t first_index;
  uint32_t count;
  uint32_t zero_32;
  uint64_t previous;
  uint64_t request;
};
static_assert(sizeof(header) == batch::header_size);

header read_header(std::string_view bytes) {
  header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  return h;
}

uint64_t checksum_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data() + sizeof(uint64_t), bytes.size() - sizeof(uint64_t));
}

// Only the first membership of a cluster was written by nobody: it is the same bytes on every node.
bool genesis(const header& h) {
  return h.term == 0 && h.node == 0 && h.first_index == 1 && h.kind == 3 && h.count == 1;
}

// What a newer Troupe may write in the same places.
bool known(const header& h) {
  return h.version == format_version && h.kind <= 3 && h.zero_16 == 0 && h.zero_32 == 0;
}

bool plausible(const header& h) {
  const bool commands = h.kind == static_cast<uint8_t>(batch_kind::commands);
  const bool last_index_fits = h.first_index + h.count > h.first_index;
  return h.first_index != 0 && last_index_fits && h.kind >= 1 &&
         (commands ? h.count != 0 : h.count == 1) && ((h.term != 0 && h.node != 0) || genesis(h));
}

}  // namespace

size_t batch::peek_length(std::string_view bytes) {
  if (bytes.size() < header_size) return 0;
  const header h = read_header(bytes);
  return h.length >= header_size && h.length <= max_size ? h.length : 0;
}

absl::StatusOr<batch_ptr> batch::parse(std::string bytes) {
  if (bytes.size() < header_size || peek_length(bytes) != bytes.size())
    return absl::DataLossError("batch: length does not fit");
  const header h = read_header(bytes);
  if (checksum_of(bytes) != h.checksum) return absl::DataLossError("batch: checksum does not fit");
  if (!known(h)) return absl::UnimplementedError("batch: unknown version, kind or flags");
  if (!plausible(h)) return absl::DataLossError("batch: header makes no sense");
  const auto entries = std::string_view(bytes).substr(header_size);
  if (!frames_view::well_formed(entries, h.count))
    return absl::DataLossError("batch: entries do not fit");
  return batch_ptr(new batch(std::move(bytes)));
}

batch::batch(std::string bytes) : bytes_(std::move(bytes)) {
  const header h = read_header(bytes_);
  kind_ = static_cast<batch_kind>(h.kind);
  leader_ = {term(h.term), node_id(h.node)};
  first_index_ = log_index(h.first_index);
  count_ = h.count;
  checksum_ = h.checksum;
  previous_ = h.previous;
  request_ = request_id(h.request);
}

batch_builder::batch_builder() : bytes_(batch::header_size, '\0') {}

void batch_builder::add(std::string_view entry) {
  const auto length = static_cast<uint32_t>(entry.size());
  bytes_.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes_.append(entry);
  ++count_;
}

void batch_builder::add_all(frames_view run) {
  bytes_.append(run.bytes());
  count_ += run.size();
}

batch_ptr batch_builder::seal(batch_kind kind, leader_id leader, const log_tail& previous,
                              request_id request) {
  TROUPE_CHECK(count_ != 0, "a batch holds at least one entry");
  TROUPE_CHECK(bytes_.size() <= batch::max_size, "whoever fills a batch keeps to its bound");
  TROUPE_CHECK(previous.last.leader <= leader, "leader ids never fall along a log");
  header h{};
  h.length = static_cast<uint32_t>(bytes_.size());
  h.version = format_version;
  h.kind = static_cast<uint8_t>(kind);
  h.term = leader.in.value;
  h.node = leader.node.value;
  h.first_index = previous.last.index.next().value;
  h.count = count_;
  h.previous = previous.checksum;
  h.request = request.value;
  std::memcpy(bytes_.data(), &h, sizeof h);
  h.checksum = checksum_of(bytes_);
  std::memcpy(bytes_.data(), &h.checksum, sizeof h.checksum);
  auto sealed = batch_ptr(new batch(std::move(bytes_)));
  bytes_.assign(batch::header_size, '\0');
  count_ = 0;
  return sealed;
}

}  // namespace troupe
