"""mutant: a bug put back on purpose, which the simulation must find."""

def mutant(name, file, line, instead, deps, also = [], seeds = 3000):
    """Tests that the simulation fails when a line of `file` is another.

    The changed copy is compiled into the test itself, so the linker takes it and leaves the original
    in its library; nothing else is compiled again. Fails when the line is not there any more.

    Args:
      name: of the bug; the test is `<name>_is_caught_test`.
      file: label of the source, for instance "//actors:server.cc".
      line: the text to replace, which stands in the file exactly once.
      instead: what stands there in the mutant.
      deps: what the file needs.
      also: more (line, instead) pairs.
      seeds: the most to try before the bug counts as not found.
    """
    args = " ".join(["'%s' '%s'" % pair for pair in [(line, instead)] + also])
    native.genrule(
        name = name,
        testonly = True,
        srcs = [file],
        outs = [name + ".cc"],
        cmd = "$(location mutate.sh) $< $@ " + args.replace("$", "$$"),
        tools = ["mutate.sh"],
    )
    native.cc_test(
        name = name + "_is_caught_test",
        size = "medium",
        srcs = [
            "mutation_test.cc",
            name + ".cc",
        ],
        args = ["--seeds=%d" % seeds],
        deps = [":runner"] + deps,
    )
