// Every implementation keeps the contract of log_storage.h.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "storage/durable_storage.h"
#include "storage/log_storage_conformance.h"
#include "storage/memory_env.h"
#include "storage/memory_storage.h"
#include "storage/posix_env.h"

namespace troupe::storage {
namespace {

class memory_host final : public storage_host {
 public:
  log_storage& storage() override { return storage_; }
  void reopen() override {}

 private:
  memory_storage storage_;
};

class durable_host final : public storage_host {
 public:
  // Segments of 8 KiB hold 4 KiB of batches, so that every test crosses several. A cache of nothing
  // makes every read come from a file.
  durable_host(std::unique_ptr<env> files, std::string dir, byte_count cache)
      : files_(std::move(files)) {
    options_.dir = std::move(dir);
    options_.node = node_id(1);
    options_.incarnation = 77;
    options_.log = {{KiB(8), KiB(1)}, cache};
    durable_host::reopen();
  }
  log_storage& storage() override { return *storage_; }
  void reopen() override {
    storage_.reset();
    auto opened = durable_storage::open(*files_, options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

 private:
  const std::unique_ptr<env> files_;
  durable_options options_;
  std::unique_ptr<durable_storage> storage_;
};

std::string fresh_dir() {
  static int counter = 0;
  const auto* tmp = std::getenv("TEST_TMPDIR");
  const auto dir = std::filesystem::path(tmp ? tmp : testing::TempDir()) /
                   ("conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++counter));
  return dir.string();
}

std::unique_ptr<storage_host> in_memory() { return std::make_unique<memory_host>(); }

std::unique_ptr<storage_host> durable_in_memory_env() {
  return std::make_unique<durable_host>(std::make_unique<memory_env>(), "data", KiB(0));
}

std::unique_ptr<storage_host> durable_with_cache() {
  return std::make_unique<durable_host>(std::make_unique<memory_env>(), "data", KiB(2));
}

std::unique_ptr<storage_host> durable_on_disk() {
  return std::make_unique<durable_host>(make_posix_env(), fresh_dir(), KiB(1));
}

INSTANTIATE_TEST_SUITE_P(memory, log_storage_conformance, testing::Values(in_memory));
INSTANTIATE_TEST_SUITE_P(durable_memory_env, log_storage_conformance,
                         testing::Values(durable_in_memory_env));
INSTANTIATE_TEST_SUITE_P(durable_cache, log_storage_conformance,
                         testing::Values(durable_with_cache));
INSTANTIATE_TEST_SUITE_P(durable_disk, log_storage_conformance, testing::Values(durable_on_disk));

}  // namespace
}  // namespace troupe::storage
