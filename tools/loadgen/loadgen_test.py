#!/usr/bin/env python3
"""Runs loadgen for a moment in each of its ways, against a broker and an echo."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

LOADGEN, BROKER, ECHO = sys.argv[1:]
sys.argv[1:] = []


class Server:
    """A child that says "listening address=HOST:PORT" on stderr."""

    def __init__(self, *command):
        # A file: a pipe that nobody reads fills up.
        self.log = tempfile.NamedTemporaryFile("r")
        with open(self.log.name, "w") as log:
            self.process = subprocess.Popen(command, stderr=log)
        said = None
        while said is None and self.process.poll() is None:
            time.sleep(0.01)
            self.log.seek(0)
            said = re.search(r"listening address=(\S+)\s", self.log.read())
        self.address = said.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()


def broker(*flags):
    return Server(BROKER, "--address=127.0.0.1:0", "--metrics_address=", *flags)


def loadgen(address, *flags):
    """The exit code, the report (None without one), and what it said."""
    command = [LOADGEN, "--broker=" + address, "--connections=4", "--duration=200ms", "--warmup=50ms", "--json=-"]
    done = subprocess.run(command + list(flags), timeout=60, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class LoadgenTest(unittest.TestCase):

    def assert_good(self, address, *flags):
        code, report, said = loadgen(address, *flags)
        self.assertEqual((code, report["error_texts"]), (0, []), said)
        self.assertEqual(report["registered"], report["clients"], said)
        return report

    def test_clients_that_hold_lists_take_the_pushes_of_those_that_join(self):
        with broker() as server:
            report = self.assert_good(server.address, "--groups=1", "--connections=20", "--open_rate=100", "--hold_lists")
            self.assertGreater(report["most_pushes"], 0)
            self.assertGreaterEqual(report["registration_seconds"], 0.18)

    def test_a_broker_answers_heartbeats_in_a_closed_loop_and_paced_and_the_load_is_measured(self):
        with broker("--max_frame_rate=0") as server:
            pid = "--server_pid=%d" % server.process.pid
            for heartbeat in "light", "full":
                for pace in "closed", "200/s", "20ms":
                    report = self.assert_good(server.address, pid, "--heartbeat=" + heartbeat, "--pace=" + pace)
                    self.assertGreater(report["heartbeats"], 0)
                    self.assertEqual(report["answers"]["count"], report["heartbeats"])
                    self.assertEqual(report["full_statements_needed"], 0)
                    self.assertGreater(report["server"]["cpu_us_per_heartbeat"], 0)

    def test_an_echo_answers_as_the_broker_does(self):
        for api in "loop", "callback":
            with Server(ECHO, "--api=" + api) as server:
                for heartbeat in "light", "full":
                    report = self.assert_good(server.address, "--pace=closed", "--heartbeat=" + heartbeat)
                    self.assertGreater(report["heartbeats"], 0)

    def test_streams_share_connections_and_threads_share_streams(self):
        with broker() as server:
            report = self.assert_good(server.address, "--streams=40", "--connections=5", "--threads=3", "--pace=1000/s")
            self.assertEqual(report["registrations"], 40)

    def test_streams_are_closed_and_opened_again(self):
        with broker() as server:
            code, report, said = loadgen(server.address, "--churn=100", "--duration=1s")
            self.assertEqual((code, report["error_texts"]), (0, []), said)
            self.assertGreater(report["churned"], 0)
            # How many are registered at the end is open: one may be between its two streams.
            self.assertGreater(report["registrations"], 4)

    def test_streams_come_back_to_a_broker_that_was_killed(self):
        self.assert_streams_come_back(signal.SIGKILL)

    def test_streams_come_back_to_a_broker_that_is_restarted_gracefully(self):
        self.assert_streams_come_back(signal.SIGTERM)

    def assert_streams_come_back(self, end):
        with broker() as first:
            command = [LOADGEN, "--broker=" + first.address, "--connections=300", "--opening=64", "--reconnect", "--pace=20ms", "--duration=60s",
                       "--live=20ms", "--json=-"]
            with tempfile.NamedTemporaryFile("r") as progress:
                def wait_for(text):
                    said = ""
                    while text not in said:
                        self.assertIsNone(load.poll())
                        time.sleep(0.02)
                        said += progress.read()

                with open(progress.name, "w") as log:
                    load = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=log)
                wait_for(" 300/300 registered")
                first.process.send_signal(end)
                first.process.wait()
                wait_for(" 0/300 registered")
                with broker("--address=" + first.address):
                    wait_for(" 300/300 registered")
                    load.send_signal(signal.SIGINT)
                    report = json.loads(load.communicate(timeout=30)[0])
        self.assertEqual((load.returncode, report["error_texts"]), (0, []))
        self.assertEqual((report["registered"], report["registrations"]), (300, 600))
        self.assertGreaterEqual(report["lost"], 300)

    def test_one_refused_heartbeat_fails_the_run(self):
        with broker("--max_frame_rate=2") as server:
            code, report, _ = loadgen(server.address, "--pace=closed")
            self.assertEqual(code, 1)
            self.assertGreater(report["errors"], 0)
            self.assertTrue(report["error_texts"])

    def test_silent_streams_may_expire_and_others_may_not(self):
        with broker("--channel_expiry=50ms", "--housekeeping_period=20ms") as server:
            report = loadgen(server.address, "--pace=silent", "--duration=10s")[1]
            self.assertEqual((report["expired"], report["errors"]), (4, 0))
            code, report, _ = loadgen(server.address, "--pace=10s", "--duration=10s")
            self.assertEqual((code, report["expired"], report["errors"]), (1, 0, 4))

    def test_a_run_of_no_time_has_no_rates(self):
        with broker() as server:
            code, report, _ = loadgen(server.address, "--duration=0")
            self.assertEqual(code, 0)
            self.assertEqual((report["driver_cores"], report["heartbeats_per_second"], report["server"]["cores"]), (0, 0, 0))

    def test_without_a_broker_it_fails(self):
        with broker() as server:
            address = server.address
        code, report, _ = loadgen(address)
        self.assertEqual(code, 1)
        self.assertEqual(report["registrations"], 0)

    def test_flags_that_make_no_sense_are_named(self):
        for flag, name in [("--pace=30", "pace"), ("--duration=30", "needs a unit: 30s"), ("--heartbeat=no", "heartbeat"), ("--protocol=no", "protocol"), ("--connections=0", "connections"),
                           ("--server_pid=2147483647", "process")]:
            code, _, said = loadgen("127.0.0.1:1", flag)
            self.assertEqual(code, 2)
            self.assertRegex(said, "^loadgen: .*" + name)


if __name__ == "__main__":
    unittest.main()
