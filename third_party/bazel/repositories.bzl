"""The rule sets that Bazel 4 wants, taken from Debian packages instead of the network."""

# Bazel's own tools load rules_cc, but only for these names, and Bazel 4 has all of them built in.
# (Debian's bazel-rules-cc is made for a later Bazel.)
_NATIVE_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "fdo_prefetch_hints",
    "fdo_profile",
    "objc_import",
    "objc_library",
]

_NATIVE_CC = "\n".join(["%s = native.%s" % (rule, rule) for rule in _NATIVE_CC_RULES])

# `bazel test` resolves this label even when no coverage is asked for.
_NO_COVERAGE = 'filegroup(name = "coverage_report_generator", visibility = ["//visibility:public"])'

def _written_repository_impl(ctx):
    for path, content in ctx.attr.files.items():
        ctx.file(path, content + "\n", executable = False)

_written_repository = repository_rule(
    implementation = _written_repository_impl,
    attrs = {"files": attr.string_dict(doc = "content by path")},
    doc = "A repository small enough to be spelled out here.",
)

def debian_repositories():
    """Declares every external repository; names are those that Bazel's tools expect."""
    native.local_repository(name = "bazel_skylib", path = "/usr/share/bazel/tools/skylib")
    native.local_repository(name = "platforms", path = "/usr/share/bazel/tools/platforms")
    native.local_repository(name = "rules_java", path = "/usr/share/bazel/rules/java")
    native.local_repository(name = "rules_proto", path = "/usr/share/bazel/rules/proto")

    _written_repository(
        name = "rules_cc",
        files = {"cc/BUILD.bazel": "", "cc/defs.bzl": _NATIVE_CC},
    )
    _written_repository(
        name = "remote_coverage_tools",
        files = {"BUILD.bazel": _NO_COVERAGE},
    )
    native.new_local_repository(
        name = "com_google_protobuf",
        build_file = "@troupe//third_party/bazel:protobuf.BUILD",
        path = "/usr",
    )
    native.register_toolchains("@troupe//third_party/bazel:python")
