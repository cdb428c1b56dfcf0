"""C++ rules of this project: warnings, test defaults and benchmarks, in one place."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wcast-qual",
    "-Wextra-semi",
    "-Wformat=2",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wsuggest-override",
    "-Wvla",
    # GCC 12 sees overlapping copies in std::string that are not there (its bug 105651).
    "-Wno-restrict",
]

def _copts(copts):
    # The language again, for a workspace that depends on this one and has not set
    # it. Warnings are errors here only: another workspace may use another compiler.
    werror = ["-Werror"] if native.repository_name() == "@" else []
    return ["-std=c++17"] + _WARNINGS + werror + (copts or [])

def rmq_cc_library(name, copts = None, **kwargs):
    """A cc_library under this project's warnings. One header, one target."""
    cc_library(name = name, copts = _copts(copts), **kwargs)

def rmq_cc_binary(name, copts = None, deps = None, **kwargs):
    """A cc_binary under this project's warnings, without Abseil's checks of lock order if optimised."""
    cc_binary(
        name = name,
        copts = _copts(copts),
        deps = (deps or []) + [str(Label("//common/rpc:lock_order_checks"))],
        **kwargs
    )

def rmq_cc_test(name, size = "small", copts = None, env = None, **kwargs):
    """A cc_test under this project's warnings: small unless said otherwise."""
    all_env = {"GTEST_COLOR": "no"}  # Plain text, on a terminal too.
    all_env.update(env or {})
    cc_test(
        name = name,
        size = size,
        copts = _copts(copts),
        env = all_env,
        linkstatic = True,
        **kwargs
    )

def rmq_cc_benchmark(name, tags = None, smoke_args = None, **kwargs):
    """A benchmark binary, and `<name>_smoke_test`, which runs it very shortly.

    Measure with `bazel run -c opt :<name>`.

    Args:
      name: name of the binary, `x_benchmark`.
      tags: further tags, of both targets.
      smoke_args: further arguments of the smoke test, a filter for the small sizes.
      **kwargs: the other attributes of a cc_binary (srcs, deps, ...).
    """
    tags = tags or []
    rmq_cc_binary(
        name = name,
        testonly = True,
        tags = tags + ["benchmark"],
        **kwargs
    )
    native.sh_test(
        name = name + "_smoke_test",
        size = "small",
        srcs = ["//tools:run_benchmark_briefly.sh"],
        args = ["$(rootpath :%s)" % name] + (smoke_args or []),
        data = [":" + name],
        tags = tags,
    )
