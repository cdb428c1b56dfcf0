package(default_visibility = ["//visibility:public"])

toolchain_type(name = "toolchain_type")

exports_files(["defs.bzl"])
