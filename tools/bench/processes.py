"""Programs of this workspace, and children that are ended at the end of a `with`."""

import os
import subprocess
import sys
import tempfile
import time


def find(path):
    """A program of this workspace: among this program's runfiles, or built."""
    for root in (".", "bazel-bin", os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../bazel-bin")):
        if os.path.exists(os.path.join(root, path)):
            return os.path.join(root, path)
    sys.exit("bench: %s is not built; use bazel run -c opt //tools/bench" % path)


def cpu_seconds(pid):
    """What all threads of a process have used; clock_getcpuclockid(3) in Python."""
    return time.clock_gettime(((-pid - 1) << 3) | 2)


def rss_bytes(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Process:
    """A child with its stderr in a file. Killed at the end of the `with`, if it is not over."""

    def __init__(self, command, stdout=None, stdin=subprocess.DEVNULL):
        self.command = command
        self.log = tempfile.NamedTemporaryFile("r", errors="replace")
        with open(self.log.name, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout or log, stderr=log)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.log.close()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, text, timeout):
        """Until it has said so. An error if it does not, or ends before."""
        deadline = time.monotonic() + timeout
        while text not in self.said():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("%s did not come to say %r: %s" % (self.command[0], text, self.said()[-1000:]))
            time.sleep(0.05)
