#!/usr/bin/env python3
"""Workers share 32 shards by the list of their group, as client/WORK_SHARING.md says, and something fails.

Right: no two workers work on one shard at a time, and each shard is worked on again within the time that follows from the
broker's expiry, its settling and the hand-over.
Wrong: two workers have one shard, or nobody takes it over.

EXPIRY, HOUSEKEEPING, HEARTBEAT and HAND_OVER are in seconds; 120, 10, 30 and 3 are the defaults of broker and client.
"""

import calendar
import re
import signal
import time

from support.network import Proxy, free_port
from support.processes import Broker, Program, binary
from support.situations import parameter, run, situation

SHARDS = 32
EXPIRY = parameter("EXPIRY", 5)
HOUSEKEEPING = parameter("HOUSEKEEPING", 1)
HEARTBEAT = parameter("HEARTBEAT", 1)
HAND_OVER = parameter("HAND_OVER", 3)
SETTLE = EXPIRY / 4
# What the library lets a heartbeat's answer take.
REPLY_TIMEOUT = 3
# What a busy machine may add.
PATIENCE = 15


def start_broker(port=0):
    return Broker("--channel_expiry=%ds" % EXPIRY, "--housekeeping_period=%ds" % HOUSEKEEPING, port=port)


class Worker(Program):
    """Works until it is killed or ends. Times are those of time.time()."""

    def __init__(self, address):
        super().__init__(
            binary("WORK_SHARING"),
            "--broker=" + address,
            "--group=orders",
            "--shards=%d" % SHARDS,
            "--heartbeat_interval=%ds" % HEARTBEAT,
            "--hand_over=%ds" % HAND_OVER,
        )
        self.pauses = []  # (begin, end): it does not work meanwhile.
        self.killed_at = None

    def changes(self):
        """(time, shards) whenever it works on others."""
        found = []
        for stamp, millis, shards in re.findall(r"^(\S+)\.(\d{3})Z client_id=\S+ shards=\d+ \[(.*)\]", self.text(), re.M):
            at = calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S")) + int(millis) / 1000
            found.append((at, {int(shard) for shard in shards.split(",") if shard}))
        return found

    def shards(self):
        changes = self.changes()
        return changes[-1][1] if changes and self.killed_at is None else set()

    def periods(self, now):
        """(shard, begin, end) of each time that it worked on a shard."""
        end = self.killed_at or now
        begun, found = {}, []

        def at(moment, shards):
            for shard in set(begun) - shards:
                found.append((shard, begun.pop(shard), moment))
            for shard in shards - set(begun):
                begun[shard] = moment

        for moment, shards in self.changes():
            at(moment, shards)
        at(end, set())
        for begin, until in self.pauses:  # Cut out of the periods.
            cut = []
            for shard, a, b in found:
                cut += [(shard, a, min(b, begin))] if a < begin else []
                cut += [(shard, max(a, until), b)] if b > until else []
            found = cut
        return found

    def kill_now(self):
        self.killed_at = time.time()
        self.kill()


def await_all_shared(workers, within):
    """Waits until each shard is worked on. The time at which it was, or None."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        shared = [worker.shards() for worker in workers]
        if len(set().union(*shared)) == SHARDS and all(shared):
            return max(worker.changes()[-1][0] for worker in workers)
        time.sleep(0.05)
    return None


def worked_twice(workers):
    """What two workers worked on at a time, in words; empty if nothing."""
    now = time.time()
    periods = [(shard, begin, end, n) for n, worker in enumerate(workers) for shard, begin, end in worker.periods(now)]
    periods.sort()
    for (shard, _, end, n), (other, begin, _, m) in zip(periods, periods[1:]):
        if shard == other and begin < end and n != m:
            return "; shard %d was worked on by two for %.2f s" % (shard, end - begin)
    return ""


def longest_rest(workers, since):
    """For how long a shard was worked on by nobody, at most, from `since` on."""
    now = time.time()
    longest = 0
    for shard in range(SHARDS):
        done = since
        for begin, end in sorted((b, e) for w in workers for s, b, e in w.periods(now) if s == shard and e > since):
            longest = max(longest, begin - done)
            done = max(done, end)
    return longest


class Scene:
    """A broker and three workers that share all shards."""

    def __init__(self, through=None):
        self.port = free_port()
        self.broker = start_broker(self.port)
        self.proxy = through and through(self.broker.address)
        ways = [self.broker.address] * 2 + [self.proxy.address if self.proxy else self.broker.address]
        self.workers = [Worker(way) for way in ways]
        if await_all_shared(self.workers, SETTLE + HAND_OVER + PATIENCE) is None:
            raise RuntimeError("the workers do not begin: " + self.workers[0].last_line())

    def verdict(self, what, workers, failed_at, within):
        """Whether all is shared again by `workers` within a time after `failed_at`, and nothing was worked on twice."""
        shared_at = await_all_shared(workers, within + PATIENCE)
        rest = longest_rest(self.workers, failed_at)
        twice = worked_twice(self.workers)
        for program in self.workers + [self.broker]:
            program.kill()
        if shared_at is None:
            return False, "%s: not shared again within %.0f s%s" % (what, within + PATIENCE, twice)
        return not twice, "%s: shared again after %.1f s, a shard rested for %.1f s at most%s" % (
            what,
            shared_at - failed_at,
            rest,
            twice,
        )


@situation
def a_worker_is_killed():
    scene = Scene()
    scene.workers[2].kill_now()
    return scene.verdict("kill -9 of a worker", scene.workers[:2], scene.workers[2].killed_at, HAND_OVER)


@situation
def a_worker_ends():
    scene = Scene()
    ended_at = time.time()
    scene.workers[2].signal(signal.SIGTERM)
    scene.workers[2].exit_code(PATIENCE)
    scene.workers[2].killed_at = time.time()
    return scene.verdict("end of a worker", scene.workers[:2], ended_at, HAND_OVER)


@situation
def a_worker_joins():
    scene = Scene()
    joined_at = time.time()
    scene.workers.append(Worker(scene.broker.address))
    return scene.verdict("one worker more", scene.workers, joined_at, HAND_OVER)


@situation
def a_worker_is_paused():
    scene = Scene()
    paused = scene.workers[2]
    paused_at = time.time()
    paused.signal(signal.SIGSTOP)
    bound = EXPIRY + HOUSEKEEPING + HAND_OVER
    others_at = await_all_shared(scene.workers[:2], bound + PATIENCE)
    if others_at is None:
        return False, "SIGSTOP of a worker: the others had not taken over within %.0f s" % (bound + PATIENCE)
    changes = len(paused.changes())
    continued_at = time.time()
    paused.signal(signal.SIGCONT)
    while len(paused.changes()) == changes and time.time() < continued_at + PATIENCE:
        time.sleep(0.01)
    noticed_at = paused.changes()[changes][0] if len(paused.changes()) > changes else time.time()
    paused.pauses.append((paused_at, noticed_at))  # What it does not work on any more it says when it has noticed.
    right, line = scene.verdict("SIGCONT of a worker that the others have replaced", scene.workers, continued_at, PATIENCE)
    return right and noticed_at < continued_at + 1, "%s; they had replaced it %.1f s after SIGSTOP, it noticed %.2f s after SIGCONT" % (
        line,
        others_at - paused_at,
        noticed_at - continued_at,
    )


@situation
def a_worker_is_cut_off():
    scene = Scene(through=Proxy)
    cut_at = time.time()
    scene.proxy.hold = lambda number, sent: True  # Nothing that it says arrives, and no connection breaks.
    return scene.verdict("network cut of a worker", scene.workers[:2], cut_at, EXPIRY + HOUSEKEEPING + HAND_OVER)


def broker_comes_back(what, number):
    scene = Scene()
    failed_at = time.time()
    scene.broker.signal(number)
    scene.broker.exit_code(PATIENCE)
    scene.broker = start_broker(scene.port)
    return scene.verdict(what, scene.workers, failed_at, SETTLE + REPLY_TIMEOUT + HAND_OVER)


@situation
def the_broker_is_killed():
    return broker_comes_back("kill -9 of the broker and start", signal.SIGKILL)


@situation
def the_broker_is_restarted():
    return broker_comes_back("graceful restart of the broker", signal.SIGTERM)


run()
