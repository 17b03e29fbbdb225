// Names of files and directories as a sorted map of paths: a directory is a name of its own, and
// what begins with it and a slash is in it.
#pragma once

#include <string>

namespace troupe::storage {

inline std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// `dir` itself, or below it.
inline bool within(const std::string& path, const std::string& dir) {
  return path == dir || path.starts_with(dir + "/");
}

// Takes a directory and all below it out of `from`; what is left of each name follows the
// directory's.
template <class Names>
Names take_tree(Names& from, const std::string& dir) {
  Names taken;
  for (auto at = from.lower_bound(dir); at != from.end() && at->first.starts_with(dir);) {
    if (within(at->first, dir)) {
      taken[at->first.substr(dir.size())] = at->second;
      at = from.erase(at);
    } else {
      ++at;
    }
  }
  return taken;
}

// The inverse, under any name.
template <class Names>
void put_tree(const Names& tree, const std::string& dir, Names& to) {
  for (const auto& [rest, node] : tree) to[dir + rest] = node;
}

}  // namespace troupe::storage
