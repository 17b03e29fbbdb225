// Votes, log ids, memberships and whatever else is printed, as text for people.
#pragma once

#include <sstream>
#include <string>
#include <utility>

namespace troupe {

template <class T>
std::string text_of(const T& value) {
  std::ostringstream out;
  out << value;
  return std::move(out).str();
}

}  // namespace troupe
