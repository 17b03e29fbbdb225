#include "proto/trace.h"

#include <string>
#include <thread>
#include <vector>

#include <glog/logging.h>
#include <gtest/gtest.h>

namespace troupe::trace {
namespace {

// Collects what would be written, and puts the verbosity back.
class trace_test : public testing::Test, public google::LogSink {
 protected:
  struct written_line {
    google::LogSeverity severity;
    std::string text;
    int number;
  };

  trace_test() { google::AddLogSink(this); }
  ~trace_test() override {
    google::RemoveLogSink(this);
    verbosity = static_cast<int>(level::info);
  }

  void send(google::LogSeverity severity, const char*, const char*, int number,
            const google::LogMessageTime&, const char* message, size_t length) override {
    lines.push_back({severity, std::string(message, length), number});
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& line : lines) all.push_back(line.text);
    return all;
  }

  using expected = std::vector<std::string>;
  std::vector<written_line> lines;
};

TEST_F(trace_test, info_is_the_first_verbosity) {
  TROUPE_EVENT(error) << "an error";
  TROUPE_EVENT(info) << "an info";
  TROUPE_EVENT(debug) << "a debug";
  EXPECT_EQ(texts(), (expected{"an error", "an info"}));
}

TEST_F(trace_test, verbosity_is_chosen_at_run_time) {
  verbosity = static_cast<int>(level::trace);
  TROUPE_EVENT(trace) << "seen";
  verbosity = static_cast<int>(level::error);
  TROUPE_EVENT(warn) << "not seen";
  EXPECT_EQ(texts(), expected{"seen"});
}

TEST_F(trace_test, severity_and_place_are_those_of_the_event) {
  TROUPE_EVENT(error) << 1;
  TROUPE_EVENT(warn) << 2;
  TROUPE_EVENT(info) << 3;
  const int here = __LINE__;
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].severity, google::GLOG_ERROR);
  EXPECT_EQ(lines[1].severity, google::GLOG_WARNING);
  EXPECT_EQ(lines[2].severity, google::GLOG_INFO);
  EXPECT_EQ(lines[2].number, here - 1);
}

TEST_F(trace_test, an_event_starts_with_the_spans_around_it) {
  TROUPE_SPAN(info, "outer", "a=" << 1);
  {
    TROUPE_SPAN(info, "inner", "b=" << 2 << " c=" << 3);
    TROUPE_EVENT(info) << "inside";
  }
  TROUPE_EVENT(info) << "outside";
  EXPECT_EQ(texts(), (expected{"outer{a=1} inner{b=2 c=3} inside", "outer{a=1} outside"}));
}

TEST_F(trace_test, a_span_that_is_not_enabled_leaves_no_mark) {
  TROUPE_SPAN(debug, "hidden", "");
  TROUPE_EVENT(info) << "event";
  EXPECT_EQ(texts(), expected{"event"});
}

TEST_F(trace_test, a_span_ends_as_it_began_when_the_verbosity_changes_inside) {
  {
    TROUPE_SPAN(info, "entered", "");
    verbosity = static_cast<int>(level::error);
  }
  {
    TROUPE_SPAN(info, "not_entered", "");
    verbosity = static_cast<int>(level::info);
  }
  TROUPE_EVENT(info) << "after";
  EXPECT_EQ(texts(), expected{"after"});
}

TEST_F(trace_test, spans_belong_to_their_thread) {
  TROUPE_SPAN(info, "mine", "");
  std::thread([] {
    TROUPE_SPAN(info, "other", "");
    TROUPE_EVENT(info) << "there";
  }).join();
  TROUPE_EVENT(info) << "here";
  EXPECT_EQ(texts(), (expected{"other{} there", "mine{} here"}));
}

TEST_F(trace_test, what_is_not_enabled_is_not_evaluated) {
  int evaluated = 0;
  TROUPE_SPAN(debug, "span", ++evaluated);
  TROUPE_EVENT(debug) << ++evaluated;
  EXPECT_EQ(evaluated, 0);
}

TEST_F(trace_test, an_event_is_one_statement) {
  for (int i = 0; i < 3; ++i)
    if (i == 1) TROUPE_EVENT(info) << "once";
  for (bool condition : {true, false})
    if (condition)
      TROUPE_EVENT(info) << "then";
    else
      TROUPE_EVENT(info) << "else";
  EXPECT_EQ(texts(), (expected{"once", "then", "else"}));
}

}  // namespace
}  // namespace troupe::trace
