"""rules_proto as Bazel's own rules: what distributions have fits one Bazel each."""

load("@rules_proto//proto:native.bzl", "NativeProtoInfo")

ProtoInfo = NativeProtoInfo
proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
