"""One broker, its well-behaved clients, an attack on it, and what came of it."""

import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

from attack import BYSTANDER, Outcome, Target, status
import clients
import transport

HERE = os.path.dirname(os.path.realpath(__file__))
VICTIMS = 50
# Between an answer and the next heartbeat of a victim.
INTERVAL = 0.1
# How long a stop may take: --drain_timeout, and a second.
STOP_S = 5 + 1
# An attack that goes on for longer than it should, by this, is broken off.
LONGEST_S = 40
# Cores that the broker uses when all is over: the victims' heartbeats take 0.05 to 0.1.
QUIET_CORES = 0.3
# Files that the broker has open then, and had not before: a log, say.
FEW_FILES = 3


def find_broker():
    """In the source tree after a build, or beside the test that runs this."""
    for root in os.path.join(HERE, "../.."), ".":
        for path in "bazel-bin/broker/broker", "broker/broker":
            found = os.path.join(root, path)
            if os.access(found, os.X_OK) and os.path.isfile(found):
                return os.path.abspath(found)
    sys.exit("attacks: no broker: bazel build //broker, or --broker=PATH")


class Broker:
    def __init__(self, path, attack):
        self.log = tempfile.TemporaryFile()
        limit = attack.open_files

        def limit_files():
            if limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.process = subprocess.Popen([path, "--address=127.0.0.1:0", "--metrics_address=127.0.0.1:0", *transport.broker_flags(),
                                         *attack.flags],
                                        stdin=subprocess.DEVNULL, stderr=self.log, preexec_fn=limit_files)
        self.pid = self.process.pid
        deadline = time.monotonic() + 30
        found = None
        while not found:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("attacks: the broker does not listen: " + self.said())
            time.sleep(0.01)
            found = re.search(r"listening address=(\S+) .*?metrics_address=(\S+)", self.said())
        self.address, self.metrics = found.groups()

    def said(self):
        # The broker writes where this descriptor stands, so reading must not move it.
        return os.pread(self.log.fileno(), 1 << 24, 0).decode("utf-8", "replace")

    def memory(self):
        """MiB that it has."""
        return status(self.pid, "VmRSS") / 1024

    def forget_peak(self):
        with open("/proc/%d/clear_refs" % self.pid, "w", encoding="ascii") as file:
            file.write("5")

    def peak(self):
        """The most MiB that it had since then."""
        return status(self.pid, "VmHWM") / 1024

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid, encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lives(self):
        return self.process.poll() is None

    def stop_seconds(self):
        """How long a stop takes; None if longer than it may."""
        begin = time.monotonic()
        if self.lives():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S + 10)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - begin

    def close(self):
        if self.lives():
            self.process.kill()
        self.process.wait()
        self.log.close()


class Victims:
    def __init__(self, address):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "victims.py"), address, str(VICTIMS), str(INTERVAL)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("attacks: the well-behaved clients could not join")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        try:
            return json.loads(self.process.communicate(timeout=60)[0])
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            return {"lost": ["the well-behaved clients did not end: %s" % error], "expired": 0}

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Attacker:
    """A process of its own, so that it takes nothing from who watches."""

    def __init__(self, attack, target):
        context = multiprocessing.get_context("fork")
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=self.run, args=(attack, target, sender))
        self.process.start()
        sender.close()
        self.longest_s = target.seconds + LONGEST_S
        self.deadline = time.monotonic() + self.longest_s

    @staticmethod
    def run(attack, target, sender):
        outcome = Outcome()
        try:
            attack.run(target, outcome)
        except Exception as error:  # Whatever it was: the others go on.
            outcome.wrong.append("broken off: %r" % error)
        sender.send((outcome.remarks, outcome.wrong))

    def is_over(self):
        return not self.process.is_alive() or time.monotonic() > self.deadline

    def outcome(self):
        outcome = Outcome()
        if self.receiver.poll(0):
            outcome.remarks, outcome.wrong = self.receiver.recv()
        else:
            outcome.wrong.append("the attack did not end in %d s" % self.longest_s if self.process.is_alive() else "the attack broke off")
        return outcome

    def close(self):
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


class Trial:
    """One attack; the bounds that it passed are in `wrong`."""

    def __init__(self, attack, broker, seconds, ci=False):
        self.attack, self.path, self.seconds, self.ci = attack, broker, seconds, ci
        self.wrong, self.remarks, self.waits = [], [], []
        self.figures = {"lost": 0, "expired": 0}

    def expect(self, holds, wrong):
        if not holds:
            self.wrong.append(wrong)

    def run(self):
        self.broker = self.victims = self.attacker = None
        try:
            self.broker = Broker(self.path, self.attack)
            self.victims = Victims(self.broker.address)
            self.target = Target(self.broker.address, self.broker.metrics, self.broker.pid, self.seconds, self.broker.log.fileno())
            time.sleep(0.3)
            self.before, self.files_before = self.broker.memory(), self.broker.open_files()
            self.broker.forget_peak()
            self.attacker = Attacker(self.attack, self.target)
            if self.attack.stops:
                self.stop_meanwhile()
            else:
                self.meanwhile()
                self.afterwards()
        finally:
            for part in self.attacker, self.victims, self.broker:
                if part:
                    part.close()
        return not self.wrong

    def meanwhile(self):
        attack, bound = self.attack, self.attack.newcomer_s
        self.victims.ask("begin")
        time.sleep(min(0.5, self.seconds / 4))
        while not self.attacker.is_over():
            for source, asked in (BYSTANDER, bound), (self.target.source, attack.neighbours and bound):
                if asked and not self.attacker.is_over():
                    # Whoever shares a machine with a compiler may wait for that.
                    took = clients.newcomer(self.broker.address, source, asked * (4 if self.ci else 2))
                    self.waits.append((took or 999, source))
            time.sleep(0.2)
        outcome = self.attacker.outcome()
        self.attacker.close()
        self.remarks, self.wrong = outcome.remarks, outcome.wrong
        seen = self.victims.ask("end")
        self.figures.update(seen)
        p99 = attack.p99_s * (8 if self.ci else 1)
        self.expect(seen["p99_s"] is not None and seen["p99_s"] <= p99, "p99 over %g s" % p99)

    def afterwards(self):
        attack, broker, figures = self.attack, self.broker, self.figures
        slack = 4 if self.ci else 1
        if broker.lives():
            # Who shares the attacker's address is let in when it is over.
            source = self.target.source if attack.neighbours_afterwards else BYSTANDER
            self.waits.append((clients.newcomer(broker.address, source, (attack.newcomer_s or 3) * slack) or 999, source + " afterwards"))
            wrong = clients.unhealthy(broker.address, 3 * slack)
            self.expect(not wrong, wrong)
            self.come_to_rest()
            figures["peak"] = broker.peak() - self.before
            memory = attack.memory_mib * (4 if self.ci else 1)
            self.expect(figures["peak"] <= memory, "memory over +%d MiB" % memory)
        figures["newcomer_s"] = max(wait for wait, _ in self.waits) if self.waits else None
        for wait, source in self.waits:
            if wait > (attack.newcomer_s or 3) * slack:
                self.wrong.append("newcomer from %s: %s" % (source, "%.1f s" % wait if wait < 999 else "not let in"))
                break
        seen = self.victims.stop()
        figures["lost"], figures["expired"] = len(seen["lost"]), seen["expired"]
        self.expect(not seen["lost"], "lost: %s" % (seen["lost"] or [""])[0])
        self.expect(not seen["expired"], "%d expired" % seen["expired"])
        if not broker.lives():
            self.wrong.append("the broker is gone: %s" % broker.said()[-200:])
            return
        figures["stop_s"] = broker.stop_seconds()
        self.expect(figures["stop_s"] is not None and figures["stop_s"] <= STOP_S * slack, "a stop takes over %d s" % STOP_S)

    def come_to_rest(self):
        """Waits until memory, CPU and open files are back, 30 s at most."""
        begin = time.monotonic()
        cpu, left, files = self.broker.cpu_seconds(), None, None
        while time.monotonic() < begin + 30 and self.broker.lives():
            time.sleep(1)
            now = self.broker.cpu_seconds()
            cores, cpu = now - cpu, now
            left = self.broker.memory() - self.before
            files = self.broker.open_files() - self.files_before
            if cores <= QUIET_CORES and left <= self.attack.left_mib and files <= FEW_FILES:
                break
        self.figures.update(left=left, cores=cores, rest_s=time.monotonic() - begin)
        self.expect(left <= self.attack.left_mib, "memory +%.0f MiB after 30 s" % left)
        self.expect(files <= FEW_FILES, "%d more open files after 30 s" % files)
        self.expect(cores <= QUIET_CORES, "%.2f cores after 30 s" % cores)

    def stop_meanwhile(self):
        self.victims.ask("begin")
        time.sleep(2)
        self.figures.update(self.victims.ask("end"))
        took = self.broker.stop_seconds()
        self.figures["stop_s"] = took
        slack = 2 if self.ci else 1
        self.expect(took is not None and took <= STOP_S * slack, "a stop takes over %d s" % STOP_S)
        self.expect(self.broker.process.poll() == 0, "ended with %s" % self.broker.process.poll())

    def cell(self, name, form="%.1f"):
        figure = self.figures.get(name)
        return "-" if figure is None else "never" if figure == 999 else form % figure

    def line(self):
        return "%-27s lost=%-2s expired=%-2s answers=%-5s p99=%-6s peak=%-7s left=%-6s newcomer=%-6s rest=%-5s stop=%-5s %-6s %s" % (
            self.attack.name, self.figures["lost"], self.figures["expired"], self.cell("answers", "%d"), self.cell("p99_s", "%.3fs"),
            self.cell("peak", "%+.0fMiB"), self.cell("left", "%+.0f"), self.cell("newcomer_s", "%.2fs"), self.cell("rest_s", "%.0fs"),
            self.cell("stop_s", "%.1fs"), "FAILED" if self.wrong else "OK", "; ".join(self.wrong + self.remarks))

    def row(self):
        return "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            self.attack.name, self.figures["lost"], self.figures["expired"], self.cell("p99_s", "%.2f s"), self.cell("peak", "%+.0f"),
            self.cell("left", "%+.0f"), self.cell("newcomer_s", "%.2f s"), self.cell("stop_s", "%.1f s"),
            "**" + "; ".join(self.wrong) + "**" if self.wrong else "OK")
