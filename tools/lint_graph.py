"""What the broker's core depends on, asked of Bazel's graph.

The core is all of broker/ but the folders of the edge, so that a new folder is
core until somebody lists it here.
"""

import os
import subprocess

EDGE = ["config", "fronts", "logging", "metrics", "registrar", "server", "storage", "timer"]

# The core is a deterministic state machine: no gRPC, wire types, log, flags,
# clock or HTTP.
FORBIDDEN = [
    "@com_github_google_glog//...",
    "@com_github_grpc_grpc//...",
    "@com_google_absl//absl/flags/...",
    "@com_google_protobuf//...",
    "//client/...",
    "//common:real_clock",
    "//common/rpc/...",
    "//proto/...",
]


def core_folders(root="."):
    folders = sorted(entry.name for entry in os.scandir(os.path.join(root, "broker")) if entry.is_dir())
    return [f for f in folders if f not in EDGE]


def complaints(query, root="."):
    """`query` takes an expression and returns the labels, in the order of Bazel."""
    folders = core_folders(root)
    core = " + ".join("//broker/%s/..." % f for f in folders)
    edge = ["//broker/%s/..." % f for f in EDGE if os.path.isdir(os.path.join(root, "broker", f))]
    path = query(
        'somepath(attr(testonly, 0, kind("cc_library rule", %s)), %s)' % (core, " + ".join(FORBIDDEN + edge + ["//broker:all"]))
    )
    if not path:
        return []
    return ["the core must not depend on %s: %s" % (path[-1], " -> ".join(path))]


def bazel_query(expression):
    command = ["bazel", "query", "--noshow_progress", "--noimplicit_deps", "--ui_event_filters=-info", expression]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RuntimeError("bazel query %s: %s" % (expression, result.stderr.strip()))
    return result.stdout.split()
