#include "storage/on_disk.h"

#include <random>
#include <utility>

#include "storage/durable_storage.h"
#include "storage/engine_check.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// The engine goes before the files that it holds open.
struct on_disk {
  std::unique_ptr<env> files;
  std::unique_ptr<durable_storage> engine;
};

struct snapshots_on_disk {
  std::unique_ptr<env> files;
  std::unique_ptr<snapshot_store> store;
};

}  // namespace

uint64_t draw_incarnation() {
  return std::random_device{}() | uint64_t{std::random_device{}()} << 32;
}

absl::StatusOr<std::shared_ptr<log_storage>> open_on_disk(const std::string& dir, node_id node,
                                                          sync_mode sync) {
  auto d = std::make_shared<on_disk>();
  d->files = make_posix_env(sync);
  TROUPE_TRY(check_engine(*d->files, dir, engine::files));
  durable_options o;
  o.dir = dir;
  o.node = node;
  o.cut_damage = true;
  o.incarnation = draw_incarnation();
  auto engine = durable_storage::open(*d->files, o);
  if (!engine.ok()) return engine.status();
  d->engine = std::move(*engine);
  return std::shared_ptr<log_storage>(d, d->engine.get());
}

absl::StatusOr<std::shared_ptr<snapshot_store>> open_snapshots(const std::string& dir,
                                                               sync_mode sync) {
  auto d = std::make_shared<snapshots_on_disk>();
  d->files = make_posix_env(sync);
  TROUPE_TRY_LET(d->store, snapshot_store::open(*d->files, snapshots_of(dir)));
  return std::shared_ptr<snapshot_store>(d, d->store.get());
}

}  // namespace troupe::storage
