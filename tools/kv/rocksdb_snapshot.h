// The database of a machine as bytes, and back: the files of a checkpoint, which are links to those
// of the database and stay what they are while it goes on. Little endian:
//
//   "TROUPER1"
//   1, u32 name length, u64 size, name, bytes      each file
//   2, u64 number of files                         the end
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/machine.h"
#include "rocksdb/db.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/file_system.h"
#include "tools/kv/pieces.h"

namespace troupe::kv {

// All that was written to a database when it was begun. A table that is not what RocksDB wrote is
// kDataLoss: nobody shall get it.
class checkpoint_source final : public snapshot_source {
 public:
  // Takes as long as the memtable needs to be written. The files stand in `dir` meanwhile, which is
  // replaced, and removed in the end. `on_damage` hears of kDataLoss.
  static absl::StatusOr<std::unique_ptr<checkpoint_source>> begin(
      rocksdb::DB& database, const std::string& dir,
      std::function<void(const absl::Status&)> on_damage);
  ~checkpoint_source() override;

  absl::StatusOr<std::string> next() override;

 private:
  checkpoint_source(rocksdb::DB& database, std::string dir,
                    std::function<void(const absl::Status&)> on_damage);

  absl::Status note_sums(rocksdb::DB& database);
  absl::StatusOr<std::string> read_piece();
  absl::Status begin_file(const std::string& name, std::string& piece);
  absl::Status add_bytes(std::string& piece);
  absl::Status check_file();

  const std::shared_ptr<rocksdb::FileSystem> files_;
  const std::shared_ptr<rocksdb::FileChecksumGenFactory> sums_of_;
  const std::string dir_;
  const std::function<void(const absl::Status&)> on_damage_;
  std::map<std::string, std::string> sums_;  // of tables, by name, as far as RocksDB knows them
  std::unique_ptr<rocksdb::FileChecksumGenerator> sum_;  // of the one that is read
  std::vector<std::string> names_;
  size_t begun_ = 0;  // of them
  std::unique_ptr<rocksdb::FSSequentialFile> file_;
  uint64_t left_ = 0;  // of its bytes
  bool ended_ = false;
};

// Whether a file that another node sent may have that name: it is one of a database, and leads
// nowhere else.
bool is_name_of_database(std::string_view name);

// Makes files in `dir`, which is there and empty, of what stands behind the magic. They are durable
// then. kDataLoss when these are not all the bytes of a snapshot.
absl::Status take_files(taker& from, rocksdb::FileSystem& files, const std::string& dir);

}  // namespace troupe::kv
