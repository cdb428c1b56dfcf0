"""What every comparison works with."""

import json
import subprocess
from contextlib import ExitStack

from results import COLUMNS, Results, show
from servers import SERVERS, find


def load_command(address, flags):
    return [find("tools/loadgen/loadgen"), "--broker=" + address, "--live=0", "--json=-",
            *("--%s=%s" % (name, value) for name, value in flags.items())]


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
        "on_schedule": report["on_schedule"],
    }


class Context:
    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.results = Results()

    def pick(self, full, quick):
        """`full`, or `quick` with --quick."""
        return quick if self.quick else full

    def note(self, comparison, nth, side, sample):
        """Keeps and prints one run."""
        self.results.sample(comparison, side, sample)
        cells = ["%s %s" % (name, show(sample[key], form)) for name, key, form in COLUMNS if sample.get(key) is not None]
        late = "" if sample.get("on_schedule", True) else "  (pace not kept)"
        print("  %-24s %2d  %-14s %s%s" % (comparison, nth + 1, side, "  ".join(cells), late), flush=True)

    def in_turn(self, comparison, sides, runs, flags):
        """Runs loadgen with `flags` against each of the servers `sides`, `runs` times in
        turn. Returns the samples of each side."""
        samples = {side: [] for side in sides}
        with ExitStack() as stack:
            servers = {side: stack.enter_context(SERVERS[side]()) for side in sides}
            for nth in range(runs):
                for side, server in servers.items():
                    sample = to_sample(run_load(server.address, dict(flags, server_pid=server.pid)))
                    samples[side].append(sample)
                    self.note(comparison, nth, side, sample)
        return samples


def ratios(samples, side, other, key="cpu_us"):
    """Of each pair of runs."""
    return [a[key] / b[key] for a, b in zip(samples[side], samples[other]) if b[key]]
