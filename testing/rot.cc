#include "testing/rot.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/check.h"
#include "storage/segment_format.h"
#include "storage/segment_scan.h"
#include "storage/snapshot_file.h"

namespace troupe::sim {
namespace {

using storage::decode_header;
using storage::find_mark;

constexpr uint64_t header_size = 88;  // FORMAT.md

// How much of the newest segment was durable for certain.
uint64_t durable_bytes(std::string_view content) {
  const auto header = decode_header(content);
  if (!header.ok()) return 0;
  uint64_t durable = 0;
  for (auto m = find_mark(*header, content, 0); m; m = find_mark(*header, content, m->offset + 1))
    durable = m->offset;
  return durable;
}

bool is_in_mark(std::string_view content, uint64_t at) {
  const auto header = decode_header(content);
  const uint64_t from = at < storage::mark::size ? 0 : at - storage::mark::size + 1;
  const auto m = header.ok() ? find_mark(*header, content.substr(0, at + storage::mark::size), from)
                             : std::nullopt;
  return m && m->offset <= at;
}

std::vector<std::string> segments_in(storage::env& files, const std::string& log_dir) {
  std::vector<std::string> segments;
  for (const auto& name : files.list(log_dir).value_or(std::vector<std::string>()))
    if (storage::parse_segment_name(name)) segments.push_back(log_dir + "/" + name);
  return segments;
}

struct found_snapshot {
  std::unique_ptr<storage::file> file;
  uint64_t header = 0;  // bytes
  uint64_t size = 0;
};

std::optional<found_snapshot> newest_snapshot(storage::env& files, const std::string& dir) {
  std::string newest;
  for (const auto& name : files.list(dir).value_or(std::vector<std::string>()))
    if (name.ends_with(".snapshot")) newest = std::max(newest, name);
  if (newest.empty()) return {};
  const auto path = dir + "/" + newest;
  const auto reader = storage::snapshot_reader::open(files, path);
  if (!reader.ok()) return {};
  return found_snapshot{*files.open(path, storage::open_mode::existing), (*reader)->position(),
                        (*reader)->size()};
}

void flip(storage::file& file, std::string_view content, uint64_t at, int bit) {
  const std::string changed(1, static_cast<char>(content[at] ^ (1 << bit)));
  TROUPE_CHECK(file.write(at, changed).ok() && file.sync().ok(), "the disk works");
}

}  // namespace

bool flip_byte_of_entry(storage::env& files, const std::string& log_dir, log_index entry,
                        dice& chance) {
  const auto segments = segments_in(files, log_dir);
  for (const auto& path : segments) {
    const auto file = *files.open(path, storage::open_mode::existing);
    const auto content = *file->read(0, *file->size());
    const auto header = decode_header(content);
    if (!header.ok()) continue;
    uint64_t begin = 0, size = 0;
    storage::visit_readable(content, *header, storage::segment_header::block_size,
                            [&](uint64_t offset, const batch_ptr& b) {
                              if (b->first_index() > entry || entry > b->last_index()) return;
                              begin = offset, size = b->bytes().size();
                            });
    if (size == 0) continue;
    if (path == segments.back() && begin >= durable_bytes(content)) return false;
    flip(*file, content, begin + chance.below(size), static_cast<int>(chance.below(8)));
    return true;
  }
  return false;
}

bool flip_byte_of_header(storage::env& files, const std::string& log_dir, dice& chance) {
  const auto segments = segments_in(files, log_dir);
  if (segments.empty()) return false;
  const auto file = *files.open(segments.front(), storage::open_mode::existing);
  const auto content = *file->read(0, *file->size());
  flip(*file, content, chance.below(header_size), static_cast<int>(chance.below(8)));
  return true;
}

bool flip_durable_byte(storage::env& files, const std::string& log_dir, dice& chance) {
  const auto segments = segments_in(files, log_dir);
  if (segments.empty()) return false;
  const auto& victim = segments[chance.below(segments.size())];
  const auto file = *files.open(victim, storage::open_mode::existing);
  const auto content = *file->read(0, *file->size());
  const uint64_t durable = victim == segments.back() ? durable_bytes(content) : content.size();
  if (durable == 0) return false;
  // The rest of the header's block does not count.
  constexpr uint64_t padding = storage::segment_header::block_size - header_size;
  // Neither does a mark, which is written anew from what is around it.
  uint64_t at = 0;
  do {
    at = chance.below(durable - padding);
    if (at >= header_size) at += padding;
  } while (is_in_mark(content, at));
  flip(*file, content, at, static_cast<int>(chance.below(8)));
  return true;
}

bool flip_byte_of_snapshot(storage::env& files, const std::string& snapshots_dir, dice& chance) {
  const auto found = newest_snapshot(files, snapshots_dir);
  if (!found) return false;
  const auto content = *found->file->read(0, found->size);
  const auto at = chance.chance(0.5) ? chance.below(found->header)
                                     : found->header + chance.below(found->size - found->header);
  flip(*found->file, content, at, static_cast<int>(chance.below(8)));
  return true;
}

bool remove_snapshot(storage::env& files, const std::string& snapshots_dir) {
  const auto found = newest_snapshot(files, snapshots_dir);
  return found && files.remove(found->file->path()).ok() && files.sync_dir(snapshots_dir).ok();
}

}  // namespace troupe::sim
