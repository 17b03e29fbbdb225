#include "storage/memory_env.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/check.h"
#include "storage/name_tree.h"

namespace troupe::storage {
namespace {

// splitmix64: all that a survival decision needs.
class random_bits {
 public:
  explicit random_bits(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t n) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % n;
  }

 private:
  uint64_t state_;
};

// What happens to unsynced things in one crash: from "all lost" to "all kept".
class survival {
 public:
  explicit survival(uint64_t seed) : random_(seed), quarters_(random_.below(5)) {}
  bool keeps() { return random_.below(4) < quarters_; }
  // Asked in turn for what must be kept in order: once false, it stays false for `ended`.
  bool keeps_after(bool* ended) {
    *ended = *ended || quarters_ == 0 || (quarters_ < 4 && random_.below(4u << quarters_) == 0);
    return !*ended;
  }

 private:
  random_bits random_;
  uint64_t quarters_;
};

// A write, or a truncation to `offset`.
struct change {
  bool cuts;
  uint64_t offset;
  std::string bytes;
};

void put(std::string& content, uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

void apply_all(const change& c, std::string& content) {
  if (c.cuts)
    content.resize(c.offset);
  else
    put(content, c.offset, c.bytes);
}

void apply_survivors(const change& c, std::string& content, const std::function<bool()>& keeps) {
  if (c.cuts) {
    if (keeps()) content.resize(c.offset);
    return;
  }
  constexpr uint64_t sector = memory_env::sector_size;
  for (uint64_t at = c.offset, end = c.offset + c.bytes.size(); at < end;) {
    const uint64_t next = std::min(end, (at / sector + 1) * sector);
    if (keeps()) put(content, at, std::string_view(c.bytes).substr(at - c.offset, next - at));
    at = next;
  }
}

}  // namespace

struct memory_env::inode {
  std::string live;
  std::string durable;
  std::vector<change> unsynced;
  uint64_t allocated = 0;
  bool is_dir = false;
  bool locked = false;

  uint64_t cost() const { return std::max<uint64_t>(live.size(), allocated); }
};

class memory_file final : public file {
 public:
  memory_file(std::string path, memory_env& owner, std::shared_ptr<memory_env::inode> node)
      : file(std::move(path)), env_(owner), node_(std::move(node)), generation_(env_.generation_) {}

  absl::Status write(uint64_t offset, std::string_view bytes) override {
    bool last = false;
    if (auto s = enter("write", &last); !s.ok()) return s;
    const uint64_t fits = room_for(offset + bytes.size());
    const bool full = fits < offset + bytes.size();
    if (full) bytes = bytes.substr(0, fits > offset ? fits - offset : 0);
    put(node_->live, bytes.empty() ? 0 : offset, bytes);
    node_->unsynced.push_back({false, offset, std::string(bytes)});
    if (full) return full_error();
    return last ? env_.power_error() : absl::OkStatus();
  }

  absl::StatusOr<std::string> read(uint64_t offset, uint64_t length) override {
    if (auto s = look("read"); !s.ok()) return s;
    return offset < node_->live.size() ? node_->live.substr(offset, length) : std::string();
  }

  absl::StatusOr<uint64_t> size() override {
    if (auto s = look("size"); !s.ok()) return s;
    return node_->live.size();
  }

  absl::Status truncate(uint64_t size) override {
    bool last = false;
    if (auto s = enter("truncate", &last); !s.ok()) return s;
    if (room_for(size) < size) return full_error();
    node_->live.resize(size);
    node_->allocated = std::min(node_->allocated, size);
    node_->unsynced.push_back({true, size, {}});
    return last ? env_.power_error() : absl::OkStatus();
  }

  absl::Status allocate(uint64_t size) override {
    bool last = false;
    if (auto s = enter("allocate", &last); !s.ok()) return s;
    if (room_for(size) < size) return full_error();
    node_->allocated = std::max(node_->allocated, size);
    return last ? env_.power_error() : absl::OkStatus();
  }

  absl::Status sync() override {
    bool last = false;
    if (auto s = enter("sync", &last); !s.ok()) return s;
    if (last) return env_.power_error();
    for (const auto& c : node_->unsynced) apply_all(c, node_->durable);
    node_->unsynced.clear();
    return absl::OkStatus();
  }

 private:
  absl::Status alive() const {
    if (env_.power_off_ || generation_ != env_.generation_) return env_.power_error();
    return absl::OkStatus();
  }

  absl::Status enter(std::string_view call, bool* last) {
    if (auto s = alive(); !s.ok()) return s;
    return env_.enter(call, path(), last);
  }

  absl::Status look(std::string_view call) const {
    if (auto s = alive(); !s.ok()) return s;
    return env_.look(call, path());
  }

  // The size, up to `wanted`, that this file may have.
  uint64_t room_for(uint64_t wanted) const {
    if (env_.capacity_ == std::numeric_limits<uint64_t>::max() || wanted <= node_->cost())
      return wanted;
    const uint64_t used = env_.used();
    const uint64_t left = env_.capacity_ > used ? env_.capacity_ - used : 0;
    return std::min(wanted, node_->cost() + left);
  }

  absl::Status full_error() const {
    return absl::ResourceExhaustedError(absl::StrCat("write ", path(), ": the disk is full"));
  }

  memory_env& env_;
  const std::shared_ptr<memory_env::inode> node_;
  const uint64_t generation_;
};

class memory_lock final : public dir_lock {
 public:
  memory_lock(memory_env& owner, std::shared_ptr<memory_env::inode> dir)
      : env_(owner), dir_(std::move(dir)), generation_(env_.generation_) {
    dir_->locked = true;
  }
  ~memory_lock() override {
    if (generation_ == env_.generation_) dir_->locked = false;
  }

 private:
  memory_env& env_;
  const std::shared_ptr<memory_env::inode> dir_;
  const uint64_t generation_;
};

memory_env::memory_env() = default;

memory_env::memory_env(const memory_env& from) : env() {
  // One file may have a live name, a durable one and some on the way.
  std::map<const inode*, std::shared_ptr<inode>> copies;
  const auto copy_of = [&](const std::shared_ptr<inode>& node) {
    auto& copy = copies[node.get()];
    if (node && !copy) {
      copy = std::make_shared<inode>(*node);
      copy->locked = false;
    }
    return copy;
  };
  for (const auto& [path, node] : from.live_) live_[path] = copy_of(node);
  for (const auto& [path, node] : from.durable_) durable_[path] = copy_of(node);
  for (auto change : from.unsynced_) {
    change.node = copy_of(change.node);
    unsynced_.push_back(std::move(change));
  }
}

memory_env::~memory_env() = default;

void memory_env::crash(uint64_t seed) {
  survival fate(seed);
  for (const auto& change : unsynced_)
    if (fate.keeps()) apply(change, durable_);
  unsynced_.clear();
  for (auto& [path, node] : durable_) {
    bool ended = false;
    const auto keeps = [&] { return files_in_order_ ? fate.keeps_after(&ended) : fate.keeps(); };
    for (const auto& c : node->unsynced) apply_survivors(c, node->durable, keeps);
    node->unsynced.clear();
    node->live = node->durable;
    node->allocated = 0;
    node->locked = false;
  }
  live_ = durable_;
  fault_ = nullptr;
  read_fault_ = nullptr;
  power_off_call_ = 0;
  power_off_ = false;
  ++generation_;
}

void memory_env::power_off_at(uint64_t call) { power_off_call_ = calls_ + call; }

uint64_t memory_env::used() const {
  uint64_t sum = 0;
  for (const auto& [path, node] : live_) sum += node->cost();
  return sum;
}

absl::Status memory_env::enter(std::string_view call, const std::string& path, bool* last) {
  if (power_off_) return power_error();
  ++calls_;
  *last = calls_ == power_off_call_;
  power_off_ = *last;
  if (fault_) {
    if (auto s = fault_(call, path); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status memory_env::look(std::string_view call, const std::string& path) const {
  if (power_off_) return power_error();
  return read_fault_ ? read_fault_(call, path) : absl::OkStatus();
}

absl::Status memory_env::power_error() const { return absl::AbortedError("the power is off"); }

absl::Status memory_env::require_dir(const std::string& path) const {
  if (is_dir(path)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("directory ", path, ": no such directory"));
}

bool memory_env::is_dir(const std::string& path) const {
  const auto found = live_.find(path);
  return found != live_.end() && found->second->is_dir;
}

void memory_env::apply(const entry_change& change, names& to) {
  if (change.moves_dir()) {
    const auto moved = take_tree(to, change.gone);
    const auto other = change.exchanges ? take_tree(to, change.name) : names();
    put_tree(moved, change.name, to);
    put_tree(other, change.gone, to);
    return;
  }
  if (!change.gone.empty()) to.erase(change.gone);
  if (!change.name.empty()) to[change.name] = change.node;
}

void memory_env::change_entry(entry_change change) {
  const auto meets = [](const entry_change& moved, const entry_change& other) {
    return moved.moves_dir() && (within(other.dir, moved.gone) || within(other.dir, moved.name));
  };
  std::erase_if(unsynced_, [&](const entry_change& before) {
    TROUPE_CHECK(!meets(change, before), "a directory is renamed when the names in it are durable");
    if (!meets(before, change)) return false;
    apply(before, durable_);
    return true;
  });
  apply(change, live_);
  unsynced_.push_back(std::move(change));
}

absl::StatusOr<std::unique_ptr<file>> memory_env::open(const std::string& path, open_mode mode) {
  auto found = live_.find(path);
  if (mode != open_mode::create) {
    if (auto s = look("open", path); !s.ok()) return s;
    if (found == live_.end())
      return absl::NotFoundError(absl::StrCat("open ", path, ": not found"));
    return std::make_unique<memory_file>(path, *this, found->second);
  }
  if (power_off_) return power_error();
  if (auto s = require_dir(parent_of(path)); !s.ok()) return s;
  if (found != live_.end()) return absl::AlreadyExistsError(absl::StrCat("create ", path));
  bool last = false;
  if (auto s = enter("open", path, &last); !s.ok()) return s;
  auto node = std::make_shared<inode>();
  change_entry({parent_of(path), "", path, node});
  if (last) return power_error();
  return std::make_unique<memory_file>(path, *this, std::move(node));
}

absl::Status memory_env::remove(const std::string& path) {
  if (!power_off_ && live_.count(path) == 0)
    return absl::NotFoundError(absl::StrCat("remove ", path, ": not found"));
  bool last = false;
  if (auto s = enter("remove", path, &last); !s.ok()) return s;
  change_entry({parent_of(path), path, "", nullptr});
  return last ? power_error() : absl::OkStatus();
}

absl::Status memory_env::rename(const std::string& from, const std::string& to) {
  if (!power_off_ && is_dir(from) && live_.contains(to))
    return absl::AlreadyExistsError(absl::StrCat("rename to ", to, " of ", from));
  return move("rename", from, to);
}

absl::Status memory_env::exchange(const std::string& a, const std::string& b) {
  if (auto s = require_dir(b); !power_off_ && !s.ok()) return s;
  return move("exchange", a, b);
}

absl::Status memory_env::move(const char* call, const std::string& from, const std::string& to) {
  const auto found = live_.find(from);
  if (!power_off_ && found == live_.end())
    return absl::NotFoundError(absl::StrCat(call, " ", from, ": not found"));
  bool last = false;
  if (auto s = enter(call, from, &last); !s.ok()) return s;
  auto node = found->second->is_dir ? nullptr : found->second;
  change_entry({parent_of(from), from, to, std::move(node), call == std::string_view("exchange")});
  return last ? power_error() : absl::OkStatus();
}

absl::Status memory_env::create_dirs(const std::string& path) {
  bool last = false;
  if (auto s = enter("create_dirs", path, &last); !s.ok()) return s;
  for (std::string at = path; !at.empty() && at != "." && !is_dir(at); at = parent_of(at)) {
    live_[at] = durable_[at] = std::make_shared<inode>();
    live_[at]->is_dir = true;
  }
  return last ? power_error() : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> memory_env::list(const std::string& dir) {
  if (auto s = look("list", dir); !s.ok()) return s;
  if (auto s = require_dir(dir); !s.ok()) return s;
  std::vector<std::string> names;
  for (const auto& [path, node] : live_)
    if (!node->is_dir && parent_of(path) == dir) names.push_back(path.substr(dir.size() + 1));
  return names;
}

absl::Status memory_env::sync_dir(const std::string& dir) {
  bool last = false;
  if (auto s = enter("sync_dir", dir, &last); !s.ok()) return s;
  if (last) return power_error();
  if (auto s = require_dir(dir); !s.ok()) return s;
  const auto durable = [&](const entry_change& change) {
    if (change.dir != dir) return false;
    apply(change, durable_);
    return true;
  };
  unsynced_.erase(std::remove_if(unsynced_.begin(), unsynced_.end(), durable), unsynced_.end());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<dir_lock>> memory_env::lock_dir(const std::string& dir) {
  if (power_off_) return power_error();
  if (auto s = require_dir(dir); !s.ok()) return s;
  const auto& node = live_.at(dir);
  if (node->locked)
    return absl::FailedPreconditionError(
        absl::StrCat("directory ", dir, " is in use by another process"));
  return std::make_unique<memory_lock>(*this, node);
}

}  // namespace troupe::storage
