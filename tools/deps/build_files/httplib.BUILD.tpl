load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

# The macros say what the installed library was compiled with; the classes' layout
# depends on them.
cc_library(
    name = "cpp_httplib",
    defines = [
        "CPPHTTPLIB_BROTLI_SUPPORT",
        "CPPHTTPLIB_OPENSSL_SUPPORT",
        "CPPHTTPLIB_ZLIB_SUPPORT",
    ],
    linkopts = ["-lcpp-httplib"],
)
