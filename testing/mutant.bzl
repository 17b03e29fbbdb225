"""mutant, scene_mutant: a bug put back on purpose, which a test must find."""

def _mutate(name, file, line, instead, also):
    args = " ".join(["'%s' '%s'" % pair for pair in [(line, instead)] + also])
    native.genrule(
        name = name,
        testonly = True,
        srcs = [file],
        outs = [name + ".cc"],
        cmd = "$(location mutate.sh) $< $@ " + args.replace("$", "$$"),
        tools = ["mutate.sh"],
    )

def mutant(name, file, line, instead, deps, also = [], seeds = 3000, nodes = 0):
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
      nodes: as simulate's.
    """
    _mutate(name, file, line, instead, also)
    native.cc_test(
        name = name + "_is_caught_test",
        size = "medium",
        srcs = [
            "mutation_test.cc",
            name + ".cc",
        ],
        args = [
            "--seeds=%d" % seeds,
            "--nodes=%d" % nodes,
        ],
        deps = [":runner"] + deps,
    )

def scene_mutant(name, file, line, instead, scene, rule, deps, also = []):
    """The same for a written scene: the test `rule` in the file `scene` must fail."""
    _mutate(name, file, line, instead, also)
    native.cc_binary(
        name = name + "_scene",
        testonly = True,
        srcs = [
            scene,
            name + ".cc",
        ],
        deps = [":members_scene"] + deps,
    )
    native.sh_test(
        name = name + "_is_caught_test",
        size = "small",
        srcs = ["expect_failure.sh"],
        args = [
            "$(location :%s_scene)" % name,
            rule,
        ],
        data = [":%s_scene" % name],
    )
