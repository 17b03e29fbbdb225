#include "storage/scripted.h"

#include <utility>

namespace troupe::storage {

durable_options scripted::options() {
  durable_options options;
  options.dir = "data";
  options.node = node_id(1);
  options.incarnation = 4711;
  options.log = {{KiB(8), byte_count(1500)}, KiB(2)};
  return options;
}

script::opener scripted::opener() {
  return [this]() -> absl::StatusOr<std::shared_ptr<log_storage>> {
    auto opened = durable_storage::open(files_, options());
    if (!opened.ok()) return opened.status();
    storage_ = opened->get();
    return std::shared_ptr<log_storage>(*std::move(opened));
  };
}

}  // namespace troupe::storage
