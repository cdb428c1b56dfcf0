load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_proto//proto:defs.bzl", "proto_lang_toolchain", "proto_library")

package(default_visibility = ["//visibility:public"])

cc_library(
    name = "protobuf",
    linkopts = ["-lprotobuf"],
)

cc_library(
    name = "protobuf_lite",
    linkopts = ["-lprotobuf-lite"],
)

sh_binary(
    name = "protoc",
    srcs = ["bin/protoc"],
)

# What `cc_proto_library` generates with. The well-known types are in the library.
proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = [
        ":any_proto",
        ":api_proto",
        ":descriptor_proto",
        ":duration_proto",
        ":empty_proto",
        ":field_mask_proto",
        ":source_context_proto",
        ":struct_proto",
        ":timestamp_proto",
        ":type_proto",
        ":wrappers_proto",
    ],
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
)

proto_library(
    name = "any_proto",
    srcs = ["google/protobuf/any.proto"],
)

proto_library(
    name = "api_proto",
    srcs = ["google/protobuf/api.proto"],
    deps = [
        ":source_context_proto",
        ":type_proto",
    ],
)

proto_library(
    name = "descriptor_proto",
    srcs = ["google/protobuf/descriptor.proto"],
)

proto_library(
    name = "duration_proto",
    srcs = ["google/protobuf/duration.proto"],
)

proto_library(
    name = "empty_proto",
    srcs = ["google/protobuf/empty.proto"],
)

proto_library(
    name = "field_mask_proto",
    srcs = ["google/protobuf/field_mask.proto"],
)

proto_library(
    name = "source_context_proto",
    srcs = ["google/protobuf/source_context.proto"],
)

proto_library(
    name = "struct_proto",
    srcs = ["google/protobuf/struct.proto"],
)

proto_library(
    name = "timestamp_proto",
    srcs = ["google/protobuf/timestamp.proto"],
)

proto_library(
    name = "type_proto",
    srcs = ["google/protobuf/type.proto"],
    deps = [
        ":any_proto",
        ":source_context_proto",
    ],
)

proto_library(
    name = "wrappers_proto",
    srcs = ["google/protobuf/wrappers.proto"],
)
