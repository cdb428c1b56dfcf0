#!/usr/bin/env python3
"""`cmctl watch` on a terminal, and in a pipe, is ended by its user: by Ctrl-C, by SIGTERM.

Right: on a terminal Ctrl-C ends the command within 3 s with exit code 130 and SIGTERM with 143, as shells have it, and
the cursor, which the live table hides, is shown again. In a pipe the codes are the same, and no escape sequence is written.
Wrong: the command goes on, another exit code, a terminal without a cursor.
"""

import os
import pty
import select
import signal
import subprocess
import time

from support.processes import Broker, binary
from support.situations import run, situation

HIDE_CURSOR = b"\x1b[?25l"
SHOW_CURSOR = b"\x1b[?25h"


class Watch:
    """cmctl watch with its output on a terminal, or in a pipe."""

    def __init__(self, broker, on_terminal):
        if on_terminal:
            self.ours, theirs = pty.openpty()
        else:
            self.ours, theirs = os.pipe()
        self.process = subprocess.Popen(
            [binary("CMCTL"), "--broker=" + broker.address, "watch"],
            stdin=theirs if on_terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env=dict(os.environ, TERM="xterm"),
            # Ctrl-C goes to the program in front of the terminal that it controls.
            preexec_fn=self.take_terminal if on_terminal else None,
        )
        os.close(theirs)
        self.text = b""

    @staticmethod
    def take_terminal():
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read_until(self, wanted, seconds):
        """Whether `wanted` was written within that time; None: until the end of the output."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (wanted is None or wanted not in self.text):
            if not select.select([self.ours], [], [], 0.1)[0]:
                continue
            try:
                read = os.read(self.ours, 65536)
            except OSError:  # The terminal's other side is closed.
                read = b""
            if not read:
                break
            self.text += read
        return wanted is None or wanted in self.text

    def exit_code(self):
        self.read_until(None, 3)
        try:
            return self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def press(self, key):
        os.write(self.ours, key)


def ended(on_terminal, end, expected):
    with Broker() as broker:
        watch = Watch(broker, on_terminal)
        began = watch.read_until(HIDE_CURSOR if on_terminal else b"the members are known", 10)
        end(watch)
        code = watch.exit_code()
        os.close(watch.ours)
        shown = watch.text.rfind(SHOW_CURSOR) > watch.text.rfind(HIDE_CURSOR)
        tidy = shown if on_terminal else b"\x1b" not in watch.text
        return began and code == expected and tidy, "it %s, exit code %s, %s" % (
            "had begun" if began else "had not begun",
            code,
            "tidy" if tidy else "not tidy: %r" % watch.text[-200:],
        )


@situation
def ctrl_c_on_a_terminal():
    return ended(True, lambda watch: watch.press(b"\x03"), 130)


@situation
def sigterm_on_a_terminal():
    return ended(True, lambda watch: watch.process.send_signal(signal.SIGTERM), 143)


@situation
def sigint_in_a_pipe():
    return ended(False, lambda watch: watch.process.send_signal(signal.SIGINT), 130)


@situation
def sigterm_in_a_pipe():
    return ended(False, lambda watch: watch.process.send_signal(signal.SIGTERM), 143)


run()
