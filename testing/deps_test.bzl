"""deps_test: what a target may never depend on, however indirectly."""

def deps_test(name, scope_target, forbidden):
    """Fails when a forbidden target is among the dependencies of `scope_target`.

    Args:
      name: of the test.
      scope_target: full label of the target to look at, for instance "//actors/core:core".
      forbidden: full labels ("//third_party:caf"), packages ("//actors:all"), or folders with all
        below them ("//storage/...").
    """
    labels = [label for label in forbidden if not label.endswith(("/...", ":all"))]
    native.genquery(
        name = name + "_deps",
        testonly = True,
        expression = "deps(%s)" % scope_target,
        # What we wrote, not the compilers that every rule brings along.
        opts = ["--noimplicit_deps"],
        # The forbidden ones are in scope so that a misspelt label fails instead of never being
        # found.
        scope = [scope_target] + labels,
    )
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//testing:deps_test.sh"],
        args = ["$(rootpath :%s_deps)" % name, scope_target] + forbidden,
        data = [":%s_deps" % name],
    )
