"""Runs of loadgen, and what is taken from their reports."""

import json
import subprocess

from processes import find


def load_command(address, flags):
    return [find("tools/loadgen/loadgen"), "--broker=" + address, "--json=-",
            *("--%s=%s" % (name, value) for name, value in {"live": "0", **flags}.items())]


def read_report(command, output, code):
    report = json.loads(output) if output else {"error_texts": ["no report"]}
    if code != 0:
        raise RuntimeError("%s ended with %d: %s" % (" ".join(command), code, report["error_texts"]))
    return report


def run_load(address, flags):
    """A run of loadgen, and its report. An error in it is an error here."""
    command = load_command(address, flags)
    done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
    return read_report(command, done.stdout, done.returncode)


def to_sample(report):
    answers = report["answers"]
    return {
        "ops": report["heartbeats_per_second"],
        "cpu_us": report["server"]["cpu_us_per_heartbeat"],
        "p50_ms": answers["p50_us"] / 1000,
        "p99_ms": answers["p99_us"] / 1000,
        "p999_ms": answers["p999_us"] / 1000,
        "client_bytes": report["server"].get("rss_bytes_per_client"),
        "on_schedule": report["on_schedule"],
    }
