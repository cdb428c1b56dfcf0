load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

# GoogleTest and GoogleMock, without a main().
cc_library(
    name = "gtest",
    testonly = True,
    linkopts = [
        "-lgmock",
        "-lgtest",
        "-lpthread",
    ],
)

cc_library(
    name = "gtest_main",
    testonly = True,
    linkopts = ["-lgmock_main"],
    deps = [":gtest"],
)
