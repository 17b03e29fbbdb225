// The durable engine keeps its word when the power fails. crash_test looks closer.
#include "storage/log_storage_power_cut.h"
#include "storage/scripted.h"

namespace troupe::storage {
namespace {

class durable_host final : public power_host {
 public:
  absl::StatusOr<std::shared_ptr<log_storage>> open() override {
    auto opened = durable_storage::open(files_, scripted::options());
    if (!opened.ok()) return opened.status();
    return std::shared_ptr<log_storage>(*std::move(opened));
  }
  bool cut_power_at(uint64_t n) override {
    files_.power_off_at(n);
    return true;
  }
  bool power_is_off() const override { return files_.power_is_off(); }
  void restore_power(uint64_t remains) override { files_.crash(remains); }

 private:
  memory_env files_;
};

std::unique_ptr<power_host> durable() { return std::make_unique<durable_host>(); }

INSTANTIATE_TEST_SUITE_P(durable, log_storage_power_cut, testing::Values(durable));

}  // namespace
}  // namespace troupe::storage
