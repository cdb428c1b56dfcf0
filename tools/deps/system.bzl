"""Repository rules that stand the distribution's libraries under canonical labels.

Headers are found in the compiler's own search path, so a target here is little
more than its linker flags and its place in the dependency graph. What is missing
is named, with the package that has it, when a target first needs the repository.
"""

_INCLUDE_DIR = "/usr/include"

def _fail_missing(repository_ctx, what, package):
    fail("@%s: %s is missing. It comes with the package %s: run tools/setup" %
         (repository_ctx.name, what, package))

def _tool(repository_ctx, name, package):
    """The path of a tool; the distribution's own, which fits its libraries, first."""
    path = repository_ctx.path("/usr/bin/" + name)
    if path.exists:
        return path
    path = repository_ctx.which(name)
    if path == None:
        _fail_missing(repository_ctx, "the tool " + name, package)
    return path

def _version_key(version):
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]

def _pkg_config(repository_ctx, arguments):
    pkg_config = _tool(repository_ctx, "pkg-config", "pkgconf")
    result = repository_ctx.execute([pkg_config] + arguments)
    return result.stdout.strip() if result.return_code == 0 else None

def _check_version(repository_ctx, module, minimum, package):
    """Fails if the module is absent or older than the one this project is built with."""
    version = _pkg_config(repository_ctx, ["--modversion", module])
    if version == None:
        _fail_missing(repository_ctx, "the pkg-config module " + module, package)
    if _version_key(version) < _version_key(minimum):
        fail("@%s: %s is %s, but at least %s is needed (package %s)" %
             (repository_ctx.name, module, version, minimum, package))

def _check(repository_ctx):
    attr = repository_ctx.attr
    for header, package in attr.headers.items():
        if not repository_ctx.path(_INCLUDE_DIR + "/" + header).exists:
            _fail_missing(repository_ctx, "the header " + header, package)
    if attr.module:
        _check_version(repository_ctx, attr.module, attr.version, attr.package)

def _system_library_impl(repository_ctx):
    _check(repository_ctx)
    for tool, package in repository_ctx.attr.tools.items():
        repository_ctx.symlink(_tool(repository_ctx, tool, package), "bin/" + tool)
    for directory in repository_ctx.attr.directories:
        repository_ctx.symlink(_INCLUDE_DIR + "/" + directory, directory)
    for template, destination in repository_ctx.attr.files.items():
        repository_ctx.template(destination, template, executable = False)

_CHECK_ATTRS = {
    "headers": attr.string_dict(doc = "Headers that must be there: path under the include directory -> package."),
    "module": attr.string(doc = "pkg-config module whose version is checked."),
    "package": attr.string(doc = "Package that has the module."),
    "version": attr.string(doc = "Oldest version of the module that will do."),
}

system_library = repository_rule(
    implementation = _system_library_impl,
    doc = "A library of the distribution, with hand-written BUILD files.",
    attrs = dict(
        _CHECK_ATTRS,
        directories = attr.string_list(doc = "Directories under the include directory to link into the repository."),
        files = attr.label_keyed_string_dict(doc = "File to copy -> its path in the repository."),
        tools = attr.string_dict(doc = "Tools to link as bin/<tool>: tool -> package."),
    ),
)

def _system_directory_impl(repository_ctx):
    root = repository_ctx.path(repository_ctx.attr.path)
    if not root.exists:
        _fail_missing(repository_ctx, repository_ctx.attr.path, repository_ctx.attr.package)
    for entry in root.readdir():
        repository_ctx.symlink(entry, entry.basename)

system_directory = repository_rule(
    implementation = _system_directory_impl,
    doc = "A repository that the distribution ships as a directory, BUILD files and all.",
    attrs = {
        "package": attr.string(mandatory = True),
        "path": attr.string(mandatory = True),
    },
)

# Modules of Abseil whose target has another name, or whose header has another
# name than the target: module -> (package, target).
_ABSL_SPECIAL = {
    "base_internal": ("base", "base_internal"),
    "core_headers": ("base", "core_headers"),
    "flags": ("flags", "flag"),
}

# Test helpers that are a header alone, and so have no module in older releases.
_ABSL_TEST_HELPERS = [
    # package, target, deps
    ("hash", "hash_testing", ["//absl/hash", "//absl/types:variant", "@com_google_googletest//:gtest"]),
    ("random", "mocking_bit_gen", ["//absl/container:flat_hash_map", "//absl/random", "@com_google_googletest//:gtest"]),
    ("strings", "cord_test_helpers", ["//absl/strings:cord"]),
]

def _absl_label(root, module):
    """The (package, target) of a pkg-config module's name without "absl_", or None.

    A target is in the package whose folder has its header (`flat_hash_map`:
    container/flat_hash_map.h), or that has its name (`strings`), or whose name it
    begins with (`flags_parse`: flags/parse.h is //absl/flags:parse).
    """
    if module in _ABSL_SPECIAL:
        return _ABSL_SPECIAL[module]
    packages = sorted([entry.basename for entry in root.readdir()])
    if module in packages:
        return (module, module)
    for package in packages:
        directory = root.get_child(package)
        if directory.get_child(module + ".h").exists:
            return (package, module)
        if module.startswith(package + "_"):
            return (package, module[len(package) + 1:])
    for package in packages:
        if root.get_child(package).get_child("internal").get_child(module + ".h").exists:
            return (package, module)
    return None

def _pc_field(text, field):
    for line in text.splitlines():
        if line.startswith(field + ":"):
            return line[len(field) + 1:].strip()
    return ""

def _system_absl_impl(repository_ctx):
    _check(repository_ctx)
    pc_dir = repository_ctx.path(_pkg_config(repository_ctx, ["--variable=pcfiledir", repository_ctx.attr.module]))
    root = repository_ctx.path(_INCLUDE_DIR + "/absl")

    texts = {}  # module -> the text of its .pc file
    for entry in pc_dir.readdir():
        if entry.basename.startswith("absl_") and entry.basename.endswith(".pc"):
            texts[entry.basename[len("absl_"):-len(".pc")]] = repository_ctx.read(entry)
    labels = {}  # module -> (package, target)
    for module in sorted(texts):
        label = _absl_label(root, module)

        # A module without a place of its own is an inner part of others.
        labels[module] = label or ("internal", module)

    build_files = {}  # package -> lines
    for module in sorted(texts):
        package, target = labels[module]
        deps = []
        for requirement in _pc_field(texts[module], "Requires").split(","):
            name = requirement.strip().split(" ")[0]
            required = name[len("absl_"):] if name.startswith("absl_") else ""

            # One that requires itself is a slip that releases do make.
            if required in labels and required != module:
                deps.append("//absl/%s:%s" % labels[required])
        linkopts = [
            option
            for option in _pc_field(texts[module], "Libs").split(" ")
            if option.startswith("-l") and option != "-latomic"
        ]
        build_files.setdefault(package, []).append(
            "cc_library(\n    name = %s,\n    linkopts = %s,\n    deps = %s,\n)\n" %
            (repr(target), repr(linkopts), repr(sorted({dep: None for dep in deps}))),
        )
    for package, target, deps in _ABSL_TEST_HELPERS:
        if (package, target) not in labels.values() and root.get_child(package).get_child(target + ".h").exists:
            build_files[package].append(
                "cc_library(\n    name = %s,\n    testonly = True,\n    deps = %s,\n)\n" % (repr(target), repr(deps)),
            )
    for package, lines in build_files.items():
        repository_ctx.file(
            "absl/%s/BUILD.bazel" % package,
            "\n".join([
                "# Generated from the installed Abseil's .pc files.",
                "load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")",
                "package(default_visibility = [\"//visibility:public\"])",
            ] + lines),
            executable = False,
        )
    repository_ctx.file("BUILD.bazel", "", executable = False)

system_absl = repository_rule(
    implementation = _system_absl_impl,
    doc = "The distribution's Abseil, one target a library.",
    attrs = _CHECK_ATTRS,
)
