#!/usr/bin/env python3
"""Runs a case as a test.

Usage: run_case.py CASE [NAME=VALUE...]

The values become environment variables; one that is a path is made absolute. What the case could not try is printed as
`SKIPPED: reason`, which tools/test counts.
"""

import os
import subprocess
import sys


def main():
    try:
        import grpc  # noqa: F401, only to know that it is there.
    except ImportError:
        print("SKIPPED: Python's grpcio is not installed (tools/setup --all)")
        return 0
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for setting in sys.argv[2:]:
        name, value = setting.split("=", 1)
        environment[name] = os.path.abspath(value) if os.path.exists(value) else value
    case = subprocess.run(
        [sys.executable, os.path.abspath(sys.argv[1])],
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    for line in case.stdout.splitlines():
        print(line.replace("not tried: ", "SKIPPED: ", 1) if line.startswith("not tried: ") else line)
    return 0 if case.returncode == 77 else case.returncode


if __name__ == "__main__":
    sys.exit(main())
