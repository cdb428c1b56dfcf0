"""What TLS with certificates of both sides costs the broker, beside what it costs gRPC alone."""

import os
import shutil
import subprocess
import tempfile

from context import ratios
from load import run_load
from servers import broker, echo


# Of a heartbeat's CPU, a connection's memory, and the time until all are there.
GOALS = (1.10, 1.10, 1.2)


class Certificates:
    """An authority, and one certificate by it, which servers and clients show. Made by openssl."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self.openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=bench", "-keyout", "ca.key", "-out", "ca.pem")
        self.openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "own.key", "-out", "own.csr")
        with open(self.path("names"), "w", encoding="ascii") as names:
            names.write("subjectAltName=DNS:localhost")
        self.openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", "names", "-out", "own.pem")
        os.chmod(self.path("own.key"), 0o600)

    def openssl(self, *arguments):
        subprocess.run(("openssl", *arguments), cwd=self.directory.name, check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def server_flags(self):
        return ["--tls_cert=" + self.path("own.pem"), "--tls_key=" + self.path("own.key"),
                "--tls_client_ca=" + self.path("ca.pem"), "--tls_client_cert=required"]

    def load_flags(self):
        return {"tls_ca": self.path("ca.pem"), "tls_cert": self.path("own.pem"), "tls_key": self.path("own.key"),
                "tls_server_name": "localhost"}


def tls(context):
    """over TLS with certificates of both sides: light heartbeats, memory of a connection, 5,000 handshakes"""
    names = ("light heartbeat over TLS, CPU / bare echo's over TLS", "memory of an idle connection over TLS / bare echo's over TLS",
             "5,000 connections over TLS registered, time / bare echo's over TLS")
    if not shutil.which("openssl"):
        for name, goal in zip(names, GOALS):
            context.results.absent(name, goal, "openssl is not installed")
        return
    certificates = Certificates()
    sides = {"broker, TLS": lambda: broker(*certificates.server_flags()),
             "echo, TLS": lambda: echo(flags=certificates.server_flags())}
    flags = {"pace": "closed", "busy_poll": "true", "heartbeat": "light", "connections": context.pick(100, 4),
             "warmup": context.pick("300ms", "20ms"), "duration": context.pick("1s", "50ms"), **certificates.load_flags()}
    samples = context.in_turn("light, closed loop, TLS", list(sides), context.pick(31, 1), flags, others=sides)
    context.results.row(names[0], ratios(samples, "broker, TLS", "echo, TLS"), GOALS[0])

    idle = {"connections": context.pick(3000, 8), "pace": "silent", "warmup": "0s", "duration": context.pick("2s", "50ms"),
            **certificates.load_flags()}
    # No group is shared, or the broker would tell each of the others besides.
    clients = context.pick(5000, 20)
    crowd = {"connections": clients, "groups": clients, "pace": "silent", "warmup": "0s", "duration": "100ms",
             **certificates.load_flags()}
    bytes_of, seconds_of = ({side: [] for side in sides} for _ in range(2))
    for nth in range(context.pick(5, 1)):
        for side, start in sides.items():
            with start() as server:  # A new one: memory is not given back.
                bytes_of[side].append(server.run(idle)["server"]["rss_bytes_per_client"])
            context.note("idle connections, TLS", nth, side, {"client_bytes": bytes_of[side][-1]})
            with start() as server:
                report = run_load(server.address, dict(crowd, server_pid=server.pid))
            seconds_of[side].append(report["registration_seconds"])
            print("  handshakes %d  %-14s %d clients in %.2f s" % (nth + 1, side, report["clients"], seconds_of[side][-1]), flush=True)
    for name, found, goal in zip(names[1:], (bytes_of, seconds_of), GOALS[1:]):
        context.results.row(name, [a / b for a, b in zip(found["broker, TLS"], found["echo, TLS"]) if b > 0], goal)
