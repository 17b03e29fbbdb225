// ThreadSanitizer cannot see the atomics inside Debian's libcaf_core, so every message that one
// worker hands to another looks like a race. This makes it ignore stacks that go through CAF: under
// --config=tsan it checks our own threads, not what happens between actors. By file as well,
// because some of CAF's frames are printed without their namespace.

extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:caf::\nrace:/usr/include/caf/\n";
}
