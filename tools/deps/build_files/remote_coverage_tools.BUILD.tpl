# Bazel asks for this target in every test run; it is used by `bazel coverage` only.
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
