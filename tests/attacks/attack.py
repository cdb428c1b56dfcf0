"""What an attack is, what it may cost, and what it is given."""

import collections
import dataclasses
import os
import re
import typing

from frames import Connection

MIB = 2**20
# Attackers come from here, where they can; well-behaved clients from 127.0.0.1.
SOURCE = "127.0.0.2"
# Somebody who has to do with neither.
BYSTANDER = "127.0.0.9"

ATTACKS = []


@dataclasses.dataclass
class Attack:
    """Bounds are of the broker and of its well-behaved clients; those that are not the usual ones have a reason."""
    run: typing.Callable
    flags: tuple = ()
    # The broker's limit of open files; None: this machine's.
    open_files: int = None
    # Of the heartbeats of all well-behaved clients, while the attack lasts.
    p99_s: float = 1
    # The most memory over what the broker had before; and what it has 30 s after at most.
    memory_mib: float = 100
    left_mib: float = 30
    # How long others wait to be let in meanwhile; None: others are not let in.
    newcomer_s: float = 3
    # Whether newcomers from the attacker's address are let in meanwhile, too; and afterwards.
    neighbours: bool = False
    neighbours_afterwards: bool = True
    # Whether the broker is told to stop while it lasts.
    stops: bool = False
    # Why a bound is not the usual one.
    why: str = ""

    @property
    def name(self):
        return self.run.__name__

    @property
    def family(self):
        return self.run.__module__

    @property
    def does(self):
        return self.run.__doc__.strip().splitlines()[0]


def attack(**bounds):
    """Makes an attack of a function of its target and its outcome."""
    def add(run):
        ATTACKS.append(Attack(run, **bounds))
        return run
    return add


@dataclasses.dataclass
class Target:
    address: str
    metrics: str
    pid: int
    seconds: float
    log: int  # Descriptor of what the broker writes to stderr.
    source: str = SOURCE

    def connect(self, **options):
        options.setdefault("source", self.source)
        return Connection(self.address, **options)

    def status(self, field):
        """A number of /proc/PID/status."""
        return status(self.pid, field)

    def log_bytes(self):
        return os.fstat(self.log).st_size


def status(pid, field):
    """A number of /proc/PID/status."""
    with open("/proc/%d/status" % pid, encoding="ascii") as lines:
        return next(int(re.search(r"\d+", line).group()) for line in lines if line.startswith(field + ":"))


class Outcome:
    """What an attack saw; `wrong` is what should not be."""

    def __init__(self):
        self.remarks = []
        self.wrong = []

    def expect(self, holds, remark):
        (self.remarks if holds else self.wrong).append(remark)


def codes(connections):
    """How many calls of these connections ended with each status."""
    return sum((connection.over for connection in connections), collections.Counter())
