#include "proto/trace.h"

#include <vector>

#include <glog/logging.h>

namespace troupe::trace {
namespace {

thread_local std::vector<std::string> spans;

google::LogSeverity severity_of(level l) {
  switch (l) {
    case level::error:
      return google::GLOG_ERROR;
    case level::warn:
      return google::GLOG_WARNING;
    default:
      return google::GLOG_INFO;
  }
}

}  // namespace

std::atomic<int> verbosity{static_cast<int>(level::info)};

line::~line() {
  google::LogMessage message(file_, number_, severity_of(level_));
  for (const auto& span : spans) message.stream() << span << ' ';
  message.stream() << text_.str();
}

void span::enter(std::string text) {
  spans.push_back(std::move(text));
  entered_ = true;
}

void span::leave() { spans.pop_back(); }

}  // namespace troupe::trace
