load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

cc_library(
    name = "gpr",
    linkopts = ["-lgpr"],
    deps = [
        "@com_google_absl//absl/base",
        "@com_google_absl//absl/strings",
        "@com_google_absl//absl/synchronization",
        "@com_google_absl//absl/time",
    ],
)

cc_library(
    name = "grpc",
    linkopts = ["-lgrpc"],
    deps = [":gpr"],
)

cc_library(
    name = "grpc++",
    linkopts = ["-lgrpc++"],
    deps = [
        ":grpc",
        "@com_google_absl//absl/status",
        "@com_google_absl//absl/status:statusor",
        "@com_google_absl//absl/strings:cord",
        "@com_google_absl//absl/synchronization",
        "@com_google_protobuf//:protobuf",
    ],
)

cc_library(
    name = "grpc++_error_details",
    linkopts = ["-lgrpc++_error_details"],
    deps = [":grpc++"],
)

cc_library(
    name = "grpc++_reflection",
    # The library registers itself from a static initialiser that nothing refers to.
    linkopts = [
        "-Wl,--push-state,--no-as-needed",
        "-lgrpc++_reflection",
        "-Wl,--pop-state",
    ],
    deps = [":grpc++"],
)

cc_library(
    name = "grpcpp_channelz",
    linkopts = [
        "-Wl,--push-state,--no-as-needed",
        "-lgrpcpp_channelz",
        "-Wl,--pop-state",
    ],
    deps = [":grpc++"],
)

sh_binary(
    name = "grpc_cpp_plugin",
    srcs = ["bin/grpc_cpp_plugin"],
)
