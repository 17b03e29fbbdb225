// FORMAT.md tells the truth: its worked example is compared byte by byte with what is written.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "proto/batch.h"
#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/segment_format.h"

namespace troupe::storage {
namespace {

// The files of the example, in full.
std::map<std::string, std::string> write_example() {
  memory_env files;
  durable_options options;
  options.dir = "data";
  options.node = node_id(7);
  options.incarnation = 0x0123456789abcdef;
  options.log = {{KiB(8), KiB(1)}, KiB(1)};
  auto opened = durable_storage::open(files, options);
  EXPECT_TRUE(opened.ok()) << opened.status();
  auto& storage = **opened;
  EXPECT_TRUE(storage.save_vote({{term(2), node_id(7)}, true}).ok());
  batch_builder builder;
  builder.add("set a 1");
  builder.add("del b");
  const auto b = builder.seal(batch_kind::commands, {term(2), node_id(7)}, {}, request_id(9));
  EXPECT_TRUE(storage.append({{b}}).ok());
  EXPECT_TRUE(storage.sync().ok());
  std::map<std::string, std::string> contents;
  for (const std::string name : {"identity", "vote", "log/00000000000000000001.segment"}) {
    auto from = files.open("data/" + name, open_mode::existing);
    contents[name] = *(*from)->read(0, 1 << 20);
  }
  return contents;
}

// Lines of sixteen bytes, without those that are all zero.
std::string dump(const std::string& bytes) {
  std::ostringstream out;
  char text[32];
  for (size_t at = 0; at < bytes.size(); at += 16) {
    const auto line = bytes.substr(at, 16);
    if (line.find_first_not_of('\0') == std::string::npos) continue;
    std::snprintf(text, sizeof text, "%08zx ", at);
    out << text;
    for (const char c : line) {
      std::snprintf(text, sizeof text, " %02x", static_cast<unsigned char>(c));
      out << text;
    }
    out << '\n';
  }
  return out.str();
}

// The dumps in FORMAT.md: below a line "`name`:", in lines of an offset, bytes, and a remark after
// '|'.
std::map<std::string, std::string> documented(std::istream& document) {
  std::map<std::string, std::string> dumps;
  std::string line, name;
  while (std::getline(document, line)) {
    if (line.size() > 3 && line.front() == '`' && line.substr(line.size() - 2) == "`:")
      name = line.substr(1, line.size() - 3);
    const bool is_dump = line.size() > 10 && line.substr(8, 2) == "  " &&
                         line.find_first_not_of("0123456789abcdef") == 8;
    if (!is_dump || name.empty()) continue;
    line.resize(std::min(line.find('|'), line.size()));
    while (std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    dumps[name] += line + '\n';
  }
  return dumps;
}

TEST(format_test, the_worked_example_is_what_is_written) {
  std::ifstream document("storage/FORMAT.md");
  ASSERT_TRUE(document.is_open());
  const auto dumps = documented(document);
  for (const auto& [name, content] : write_example())
    EXPECT_EQ(dumps.count(name) ? dumps.at(name) : "", dump(content)) << name;
}

TEST(format_test, segment_names_keep_their_order) {
  EXPECT_EQ(segment_name(7), "00000000000000000007.segment");
  for (const uint64_t n : {uint64_t{1}, uint64_t{999}, ~uint64_t{0}})
    EXPECT_EQ(parse_segment_name(segment_name(n)), n);
  for (const char* other : {"", "7.segment", "0000000000000000000x.segment", "identity",
                            "00000000000000000007.segment~", "00000000000000000007_segment"})
    EXPECT_EQ(parse_segment_name(other), std::nullopt) << other;
}

TEST(format_test, headers_and_marks_are_read_back_and_bound_to_their_place) {
  segment_header header;
  header.node = node_id(3);
  header.incarnation = 11;
  header.sequence = 5;
  header.previous = {{{term(4), node_id(2)}, log_index(17)}, 99};
  header.starts_log = true;
  const auto bytes = encode_header(header);
  EXPECT_EQ(bytes.size(), segment_header::block_size);
  EXPECT_EQ(*decode_header(bytes), header);
  EXPECT_TRUE(absl::IsDataLoss(decode_header(bytes.substr(0, 50)).status()));

  const auto bytes_of_mark = encode_mark(header, {4096, header.previous});
  EXPECT_EQ(bytes_of_mark.size(), mark::size);
  const auto found = decode_mark(header, 4096, bytes_of_mark);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->offset, 4096u);
  EXPECT_EQ(found->tail, header.previous);
  EXPECT_FALSE(decode_mark(header, 4097, bytes_of_mark));
  auto other = header;
  other.sequence = 6;
  EXPECT_FALSE(decode_mark(other, 4096, bytes_of_mark));
  other = header;
  other.incarnation = 12;
  EXPECT_FALSE(decode_mark(other, 4096, bytes_of_mark));
}

}  // namespace
}  // namespace troupe::storage
