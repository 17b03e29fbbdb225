// Not a test by itself: strip_test.sh greps the binaries that are built from it.
#include "proto/trace.h"

namespace {

int work(int count) {
  TROUPE_SPAN(info, "probe_info_span", "probe_info_field=" << count);
  TROUPE_SPAN(debug, "probe_debug_span", "probe_debug_field=" << count);
  TROUPE_SPAN(trace, "probe_trace_span", "probe_trace_field=" << count);
  TROUPE_EVENT(error) << "probe_error_event " << count;
  TROUPE_EVENT(warn) << "probe_warn_event " << count;
  TROUPE_EVENT(info) << "probe_info_event " << count;
// An event also carries its file's name: give these two one that nothing else mentions.
#line 100 "probe_debug_file"
  TROUPE_EVENT(debug) << "probe_debug_event " << count;
#line 200 "probe_trace_file"
  TROUPE_EVENT(trace) << "probe_trace_event " << count;
#line 19 "proto/strip_probe.cc"
  return count;
}

}  // namespace

int main(int argc, char**) {
  troupe::trace::verbosity = static_cast<int>(troupe::trace::level::trace);
  return work(argc) == 1 ? 0 : 1;
}
