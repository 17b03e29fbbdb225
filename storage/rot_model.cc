#include "storage/rot_model.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "storage/identity.h"
#include "storage/segment_format.h"
#include "storage/segment_scan.h"
#include "storage/vote_file.h"

namespace troupe::storage {
namespace {

constexpr uint64_t identity_size = 40;
constexpr uint64_t header_size = 88;
constexpr uint64_t slot_size = 64;
constexpr uint64_t second_slot = 4096;
constexpr uint64_t sequence_in_slot = 32;
constexpr uint64_t noted_end = 8192;
constexpr uint64_t note_size = 72;

class model {
 public:
  model(memory_env& files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  std::vector<part> parts() {
    const auto names = files_.list(dir_).value_or(std::vector<std::string>());
    if (std::ranges::count(names, identity_file) == 0) {
      // The first start is repeated, whatever it had left.
      for (const auto& name : names)
        all_harmless("file of an unfinished set-up", dir_ + "/" + name);
      for (const auto& name : log_names())
        all_harmless("file of an unfinished set-up", log_dir() + "/" + name);
      return std::move(parts_);
    }
    add("identity", dir_ + "/" + identity_file, 0, identity_size, verdict::refused);
    vote();
    log();
    return std::move(parts_);
  }

 private:
  std::string log_dir() const { return dir_ + "/log"; }
  std::vector<std::string> log_names() const {
    return files_.list(log_dir()).value_or(std::vector<std::string>());
  }

  void add(const std::string& kind, const std::string& path, uint64_t begin, uint64_t end,
           verdict due) {
    if (begin < end) parts_.push_back({kind, path, begin, end, due, begin});
  }
  void all_harmless(const std::string& kind, const std::string& path) {
    add(kind, path, 0, content_of(files_, path).size(), verdict::harmless);
  }

  void vote() {
    const std::string path = dir_ + "/" + vote_file_name;
    const auto bytes = content_of(files_, path);
    const uint64_t slots[] = {0, second_slot};
    const auto sequence = [&](uint64_t slot) {
      uint64_t n;
      std::memcpy(&n, bytes.data() + slot + sequence_in_slot, sizeof n);
      return n;
    };
    for (const uint64_t slot : slots) {
      const bool only = sequence(slot) > sequence(second_slot - slot);
      add(only ? "slot with the only newest vote" : "slot of the vote", path, slot,
          slot + slot_size, only ? verdict::older_vote : verdict::mended);
    }
    add("bytes between the slots", path, slot_size, second_slot, verdict::harmless);
    if (bytes.size() < noted_end + note_size) return;
    add("bytes between the slots", path, second_slot + slot_size, noted_end, verdict::harmless);
    add("noted end of the log", path, noted_end, noted_end + note_size, verdict::harmless);
    uint64_t id[3];
    std::memcpy(id, bytes.data() + noted_end + 32, sizeof id);
    noted_ = {{term(id[0]), node_id(id[1])}, log_index(id[2])};
  }

  void log() {
    std::map<uint64_t, std::string> segments;  // not looked at yet
    for (const auto& name : log_names()) {
      const auto path = log_dir() + "/" + name;
      if (const auto sequence = parse_segment_name(name))
        segments[*sequence] = path;
      else
        all_harmless("reserve", path);
    }
    const auto last = segments.empty() ? std::string() : segments.rbegin()->second;
    bool newest = true;
    while (!segments.empty()) {
      const auto path = segments.rbegin()->second;
      segments.erase(std::prev(segments.end()));
      const auto content = content_of(files_, path);
      const auto header = decode_header(content);
      if (!header.ok()) {
        unfinished(path, content);
        continue;
      }
      // Where its header rots. Recovery removes one such file, the last.
      const bool may_vanish = path == last && !segments.empty();
      segment(path, content, *header, newest, may_vanish);
      newest = false;
      if (header->starts_log) break;
    }
    for (const auto& [sequence, path] : segments) all_harmless("void segment", path);
  }

  // Recovery removes it only as long as nothing stands behind its header.
  void unfinished(const std::string& path, const std::string& content) {
    const uint64_t block = std::min<uint64_t>(content.size(), segment_header::block_size);
    add("torn header", path, 0, block, verdict::harmless);
    add("zeros behind a torn header", path, block, content.size(), verdict::refused);
    if (content.size() > block) parts_.back().told_at = 0;
  }

  void segment(const std::string& path, const std::string& content, const segment_header& header,
               bool newest, bool may_vanish) {
    // A power cut may take the end of the block.
    const uint64_t body = std::min<uint64_t>(content.size(), segment_header::block_size);
    const bool empty = all_zero(std::string_view(content).substr(body));
    add(std::string(empty ? "header of an empty " : "header of a ") + which(newest), path, 0,
        header_size,
        !(may_vanish && empty) ? verdict::refused
        : header.starts_log    ? verdict::unfinished
                               : verdict::harmless);
    add("rest of a header block", path, header_size, body, verdict::harmless);

    const size_t first = parts_.size();
    size_t last_mark = first;  // plus one
    uint64_t at = body;
    while (at < content.size()) {
      const auto rest = std::string_view(content).substr(at);
      if (decode_mark(header, at, rest)) {
        add("mark in a " + which(newest), path, at, at + mark::size, verdict::harmless);
        last_mark = parts_.size();
      } else if (const auto length = batch_length(rest)) {
        add("batch in a " + which(newest), path, at, at + length, verdict::refused);
      } else if (rest.size() > mark::size && batch_length(rest.substr(mark::size))) {
        add("lost mark", path, at, at + mark::size, verdict::harmless);
      } else {
        break;
      }
      at = parts_.back().end;
    }
    if (newest) {
      if (last_mark > first) {
        parts_[last_mark - 1].kind = "last mark";
        parts_[last_mark - 1].due = verdict::harmless;
      }
      for (size_t i = last_mark; i < parts_.size(); ++i) {
        if (parts_[i].due == verdict::harmless) continue;
        const auto b =
            batch::parse(content.substr(parts_[i].begin, parts_[i].end - parts_[i].begin));
        const bool noted = b.value()->last() <= noted_;
        parts_[i].kind = noted ? "batch that is noted" : "batch behind the last mark";
        parts_[i].due = noted ? verdict::refused : verdict::cut;
      }
    }
    const bool zeros = all_zero(std::string_view(content).substr(at));
    add(zeros ? "zeros written ahead" : "torn write", path, at, content.size(), verdict::harmless);
  }

  // 0 where there is no intact one.
  static uint64_t batch_length(std::string_view rest) {
    const uint64_t length = batch::peek_length(rest);
    if (length == 0 || length > rest.size()) return 0;
    return batch::parse(std::string(rest.substr(0, length))).ok() ? length : 0;
  }
  static std::string which(bool newest) { return newest ? "newest segment" : "sealed segment"; }

  memory_env& files_;
  const std::string dir_;
  std::vector<part> parts_;
  log_id noted_;  // how far the log was durable
};

}  // namespace

std::vector<part> parts_of(memory_env& files, const std::string& dir) {
  return model(files, dir).parts();
}

std::string content_of(memory_env& files, const std::string& path) {
  const auto from = *files.open(path, open_mode::existing);
  return *from->read(0, *from->size());
}

void flip_bit(memory_env& files, const std::string& path, uint64_t offset, int bit) {
  const auto to = *files.open(path, open_mode::existing);
  std::string byte = *to->read(offset, 1);
  byte[0] = static_cast<char>(byte[0] ^ (1 << bit));
  if (!to->write(offset, byte).ok()) std::abort();
}

}  // namespace troupe::storage
