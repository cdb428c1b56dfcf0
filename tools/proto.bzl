"""Protobuf and gRPC rules: the triple x_proto, x_cc_proto, x_cc_grpc.

The root of all .proto files is the folder proto/: proto/a/b/c.proto is imported
as "a/b/c.proto", and its C++ headers are "a/b/c.pb.h" and "a/b/c.grpc.pb.h".
"""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_proto_library")
load("@rules_proto//proto:defs.bzl", "ProtoInfo", "proto_library")

_IMPORT_ROOT = "/proto"

def rmq_proto_library(name, srcs, deps = None, import_root = _IMPORT_ROOT, **kwargs):
    """A proto_library whose files are imported relative to proto/.

    Args:
      name: `x_proto`.
      srcs: the .proto files.
      deps: the proto_libraries that they import.
      import_root: another root; "/" for a tool's own messages, imported as any header is.
      **kwargs: the other attributes of a proto_library.
    """
    proto_library(
        name = name,
        srcs = srcs,
        strip_import_prefix = import_root,
        deps = deps or [],
        **kwargs
    )

def rmq_cc_proto_library(name, deps, **kwargs):
    """The C++ messages of one proto_library: deps = [":x_proto"]."""
    cc_proto_library(name = name, deps = deps, **kwargs)

def _grpc_sources_impl(ctx):
    proto = ctx.attr.proto[ProtoInfo]
    if ctx.attr.proto.label.package != ctx.label.package:
        fail("the proto_library must be in this package, got %s" % ctx.attr.proto.label)

    # Where protoc finds the sources under their import names. Either a
    # _virtual_imports directory of this package, or the workspace itself.
    root = proto.proto_source_root
    virtual = "_virtual_imports/" + ctx.attr.proto.label.name
    package_prefix = (virtual + "/") if root.endswith("/" + virtual) else None
    if package_prefix == None:
        fail("%s needs a strip_import_prefix: use rmq_proto_library" % ctx.attr.proto.label)

    imports = []
    headers = []
    sources = []
    for source in proto.direct_sources:
        name = source.path[len(root) + 1:]
        imports.append(name)
        stem = package_prefix + name[:-len(".proto")]
        headers.append(ctx.actions.declare_file(stem + ".grpc.pb.h"))
        sources.append(ctx.actions.declare_file(stem + ".grpc.pb.cc"))

    args = ctx.actions.args()
    args.add(ctx.executable._plugin, format = "--plugin=protoc-gen-grpc=%s")
    args.add("--grpc_out=" + root)
    args.add_all(proto.transitive_proto_path, format_each = "-I%s")
    args.add_all(imports)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        tools = [ctx.executable._plugin],
        arguments = [args],
        inputs = proto.transitive_sources,
        outputs = headers + sources,
        mnemonic = "GenGrpcCc",
        progress_message = "Generating gRPC stubs of %s" % ctx.attr.proto.label,
    )
    return [
        DefaultInfo(files = depset(headers + sources)),
        OutputGroupInfo(headers = depset(headers), sources = depset(sources)),
    ]

_grpc_sources = rule(
    implementation = _grpc_sources_impl,
    attrs = {
        "proto": attr.label(mandatory = True, providers = [ProtoInfo]),
        "_plugin": attr.label(
            default = "@com_github_grpc_grpc//:grpc_cpp_plugin",
            executable = True,
            cfg = "exec",
        ),
        "_protoc": attr.label(
            default = "@com_google_protobuf//:protoc",
            executable = True,
            cfg = "exec",
        ),
    },
)

def rmq_cc_grpc_library(name, srcs, deps, testonly = None, visibility = None):
    """The C++ gRPC stubs of one proto_library.

    Args:
      name: `x_cc_grpc`.
      srcs: the one proto_library, [":x_proto"].
      deps: its messages, [":x_cc_proto"], and those that its services use besides.
      testonly: as in every rule.
      visibility: as in every rule.
    """
    if len(srcs) != 1:
        fail("srcs must be one proto_library, got %s" % srcs)
    generated = "_%s_generated" % name
    _grpc_sources(name = generated, proto = srcs[0], testonly = testonly)
    for group in ["headers", "sources"]:
        native.filegroup(
            name = "_%s_%s" % (name, group),
            srcs = [generated],
            output_group = group,
            testonly = testonly,
        )
    cc_library(
        name = name,
        srcs = ["_%s_sources" % name],
        hdrs = ["_%s_headers" % name],
        copts = ["-std=c++17"],
        includes = ["_virtual_imports/" + srcs[0].split(":")[-1]],
        testonly = testonly,
        visibility = visibility,
        deps = deps + ["@com_github_grpc_grpc//:grpc++"],
    )
