"""The programs under test, as processes of this one."""

import os
import re
import signal
import subprocess
import tempfile
import time

_STARTED = []

_DEFAULTS = {
    "BROKER": "bazel-bin/broker/broker",
    "CMCTL": "bazel-bin/tools/cmctl/cmctl",
    "CONSUMER": "bazel-bin/client/examples/consumer",
    "MANY_GROUPS": "bazel-bin/client/examples/many_groups",
    "WORK_SHARING": "bazel-bin/client/examples/work_sharing",
}


def binary(name):
    """The path of a program: the environment variable `name`, or where Bazel builds it."""
    return os.path.abspath(os.environ.get(name, _DEFAULTS[name]))


def end_all():
    """Kills what was started and still runs."""
    for process in _STARTED:
        if process.poll() is None:
            process.kill()
            process.wait()
    _STARTED.clear()


class Program:
    """A program that runs in the background. What it writes to stdout and stderr is in text()."""

    def __init__(self, *command, stderr=None, env=None):
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log if stderr is None else stderr,
            env=dict(os.environ, **(env or {})),
        )
        _STARTED.append(self.process)

    def text(self):
        with open(self._log.name, errors="replace") as log:
            return log.read()

    def last_line(self):
        lines = self.text().strip().splitlines()
        return lines[-1][-160:] if lines else "nothing"

    def wait_for(self, pattern, within=15):
        """The match of a regular expression in text(), or None after `within` seconds or if the program has ended."""
        deadline = time.monotonic() + within
        while True:
            ended = self.process.poll() is not None
            found = re.search(pattern, self.text())
            if found or ended or time.monotonic() >= deadline:
                return found
            time.sleep(0.05)

    def runs(self):
        return self.process.poll() is None

    def exit_code(self, within):
        """The exit code, -N for signal N, or None if the program still runs after `within` seconds."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.runs():
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Broker(Program):
    """A broker on a free port, without metrics unless asked for.

    If the broker's log goes elsewhere (`stderr`, or `descriptors_closed`: it starts without 0, 1 and 2), its address cannot
    be read there: pass a `port` then.
    """

    def __init__(self, *flags, port=0, metrics="", stderr=None, env=None, descriptors_closed=False):
        start = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"] if descriptors_closed else []
        command = [binary("BROKER"), "--address=127.0.0.1:%d" % port, "--metrics_address=" + metrics, *flags]
        super().__init__(*start, *command, stderr=stderr, env=env)
        self.address, self.metrics = "127.0.0.1:%d" % port, metrics
        if stderr is None and not descriptors_closed:
            found = self.wait_for(r'listening.*? address="?([^ "]+)"? metrics_address="?([^ "\n]*)')
            if found is None:
                raise RuntimeError("the broker does not start: " + self.last_line())
            self.address, self.metrics = found.group(1), found.group(2)
