"""The external repositories of this project: all are the distribution's packages.

They have their canonical names, so that BUILD files read as anywhere, and the
sources can be swapped in (`--override_repository=com_google_absl=...`). Nothing
is fetched; tools/setup installs what is named here, and a repository whose
package is missing says so when it is first needed.
"""

load("//tools/deps:system.bzl", "system_absl", "system_directory", "system_library")

def _build_files(name):
    return {Label("//tools/deps:build_files/%s.BUILD.tpl" % name): "BUILD.bazel"}

def rocketmq_client_manager_repositories():
    """Declares every repository that is not declared yet.

    To be called from WORKSPACE, of this workspace or of one that depends on it.
    The versions are the oldest that this project is built and tested with.
    """
    declared = native.existing_rules()

    if "com_google_absl" not in declared:
        system_absl(
            name = "com_google_absl",
            headers = {"absl/base/config.h": "libabsl-dev"},
            module = "absl_base",
            package = "libabsl-dev",
            version = "20220623",
        )
    if "com_github_grpc_grpc" not in declared:
        system_library(
            name = "com_github_grpc_grpc",
            files = _build_files("grpc"),
            headers = {
                "grpcpp/ext/proto_server_reflection_plugin.h": "libgrpc++-dev",
                "grpcpp/grpcpp.h": "libgrpc++-dev",
            },
            module = "grpc++",
            package = "libgrpc++-dev",
            tools = {"grpc_cpp_plugin": "protobuf-compiler-grpc"},
            version = "1.51.1",
        )
    if "com_google_protobuf" not in declared:
        system_library(
            name = "com_google_protobuf",
            directories = ["google/protobuf"],
            files = _build_files("protobuf"),
            headers = {"google/protobuf/message.h": "libprotobuf-dev"},
            module = "protobuf",
            package = "libprotobuf-dev",
            tools = {"protoc": "protobuf-compiler"},
            version = "3.21.12",
        )
    if "com_google_googletest" not in declared:
        system_library(
            name = "com_google_googletest",
            files = _build_files("googletest"),
            headers = {
                "gmock/gmock.h": "libgmock-dev",
                "gtest/gtest.h": "libgtest-dev",
            },
            module = "gmock_main",
            package = "libgmock-dev",
            version = "1.12.1",
        )
    if "com_github_google_benchmark" not in declared:
        system_library(
            name = "com_github_google_benchmark",
            files = _build_files("benchmark"),
            headers = {"benchmark/benchmark.h": "libbenchmark-dev"},
            module = "benchmark",
            package = "libbenchmark-dev",
            version = "1.7.1",
        )
    if "com_github_google_glog" not in declared:
        system_library(
            name = "com_github_google_glog",
            files = _build_files("glog"),
            headers = {"glog/logging.h": "libgoogle-glog-dev"},
            module = "libglog",
            package = "libgoogle-glog-dev",
            version = "0.6.0",
        )
    if "com_github_jupp0r_prometheus_cpp" not in declared:
        system_library(
            name = "com_github_jupp0r_prometheus_cpp",
            files = {
                Label("//tools/deps:build_files/prometheus_core.BUILD.tpl"): "core/BUILD.bazel",
            },
            headers = {"prometheus/text_serializer.h": "prometheus-cpp-dev"},
            module = "prometheus-cpp-core",
            package = "prometheus-cpp-dev",
            version = "1.0.1",
        )
    if "com_github_yhirose_cpp_httplib" not in declared:
        system_library(
            name = "com_github_yhirose_cpp_httplib",
            files = _build_files("httplib"),
            headers = {"httplib.h": "libcpp-httplib-dev"},
            module = "cpp-httplib",
            package = "libcpp-httplib-dev",
            version = "0.11.4",
        )
    if "org_gnu_libmicrohttpd" not in declared:
        system_library(
            name = "org_gnu_libmicrohttpd",
            files = _build_files("microhttpd"),
            headers = {"microhttpd.h": "libmicrohttpd-dev"},
            module = "libmicrohttpd",
            package = "libmicrohttpd-dev",
            version = "0.9.75",
        )
    if "org_openssl" not in declared:
        system_library(
            name = "org_openssl",
            files = _build_files("openssl"),
            headers = {"openssl/evp.h": "libssl-dev"},
            module = "libcrypto",
            package = "libssl-dev",
            version = "3.0",
        )
    if "zlib" not in declared:
        system_library(
            name = "zlib",
            files = _build_files("zlib"),
            headers = {"zlib.h": "zlib1g-dev"},
            module = "zlib",
            package = "zlib1g-dev",
            version = "1.2.13",
        )

    # Bazel's own: rules, and what its rules look for.
    if "rules_cc" not in declared:
        system_library(
            name = "rules_cc",
            files = {
                Label("//tools/deps:build_files/empty.BUILD.tpl"): "BUILD.bazel",
                Label("//tools/deps:rules_cc/BUILD.tpl"): "cc/BUILD.bazel",
                Label("//tools/deps:rules_cc/defs.bzl.tpl"): "cc/defs.bzl",
            },
        )
    if "rules_proto" not in declared:
        system_library(
            name = "rules_proto",
            files = {
                Label("//tools/deps:build_files/empty.BUILD.tpl"): "BUILD.bazel",
                Label("//tools/deps:rules_proto/BUILD.tpl"): "proto/BUILD.bazel",
                Label("//tools/deps:rules_proto/defs.bzl.tpl"): "proto/defs.bzl",
                Label("//tools/deps:rules_proto/native.bzl.tpl"): "proto/native.bzl",
            },
        )
    if "remote_coverage_tools" not in declared:
        system_library(
            name = "remote_coverage_tools",
            files = _build_files("remote_coverage_tools"),
        )
    for name, path, package in [
        ("bazel_skylib", "/usr/share/bazel/tools/skylib", "bazel-skylib"),
        ("platforms", "/usr/share/bazel/tools/platforms", "bazel-platforms"),
        ("rules_java", "/usr/share/bazel/rules/java", "bazel-rules-java"),
        ("rules_python", "/usr/share/bazel/rules/python", "bazel-rules-python"),  # Bazel 7 asks for it.
    ]:
        if name not in declared:
            system_directory(name = name, path = path, package = package)
