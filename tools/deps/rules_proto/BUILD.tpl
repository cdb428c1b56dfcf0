package(default_visibility = ["//visibility:public"])

exports_files(["defs.bzl"])
