#!/usr/bin/env python3
"""What goes wrong with etcd is said clearly, and the brokers go on; a name that is in use is refused."""

import argparse
import os
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import tool

BINARIES = {}


class FaultsTest(unittest.TestCase):

    def serves(self, cluster, name):
        self.assertIsNotNone(cluster.ask(name, "groups"), name)

    def ends(self, cluster, name, seconds=30):
        tool.wait_for("the end of " + name, lambda: not cluster.running(name), seconds)
        return "".join(cluster.log(name))

    def test_a_second_broker_of_a_name_is_refused_and_the_first_is_named(self):
        with harness.Cluster(BINARIES, brokers=2) as cluster:
            cluster.start_etcd("etcd-1")
            tool.wait_for("etcd", cluster.etcd_answers)
            cluster.start_broker("broker-1")
            cluster.wait_until_registered("broker-1")
            cluster.start_broker("broker-2", "--broker_name=broker-1")
            said = self.ends(cluster, "broker-2")
            self.assertIn('got "broker-1" 0 in "local", which etcd has for the broker at ' + cluster.address("broker-1"), said)
            self.assertEqual({"broker-1": cluster.address("broker-1")}, cluster.entries())
            # A broker that was killed is back before its lease has ended, and on another port soon after.
            cluster.stop("broker-1", signal.SIGKILL)
            began = time.monotonic()
            cluster.start_broker("broker-1")
            cluster.wait_for_log("broker-1", "registered in etcd", 2)
            cluster.stop("broker-1", signal.SIGKILL)
            cluster.start_broker("broker-2", "--broker_name=broker-1")
            tool.wait_for("the other port", lambda: (cluster.entries() or {}).get("broker-1") == cluster.address("broker-2"), harness.ENDED_SECONDS + 1)
            harness.say("a killed broker was back in %.1f s, on another port too" % (time.monotonic() - began))

    def test_a_signal_ends_the_wait_for_a_name_that_is_in_use(self):
        with harness.Cluster(BINARIES, brokers=2) as cluster:
            cluster.start_etcd("etcd-1")
            tool.wait_for("etcd", cluster.etcd_answers)
            cluster.start_broker("broker-1")
            cluster.wait_until_registered("broker-1")
            cluster.start_broker("broker-2", "--broker_name=broker-1", "--etcd_lease=10m")
            cluster.wait_for_log("broker-2", "another broker is registered in etcd under this name and id")
            cluster.send("broker-2", signal.SIGTERM)
            said = self.ends(cluster, "broker-2", 5)
            self.assertIn("] stopped", said)
            self.assertEqual({"broker-1": cluster.address("broker-1")}, cluster.entries())

    def test_an_etcd_that_is_away_at_the_start_is_said_and_waited_for(self):
        with harness.Cluster(BINARIES, brokers=1) as cluster:
            cluster.start_broker("broker-1")
            cluster.wait_for_log("broker-1", "etcd does not take this broker's entry; the broker goes on")
            cluster.wait_for_log("broker-1", "Connection refused")
            cluster.wait_for_log("broker-1", "listening address=")
            self.serves(cluster, "broker-1")
            cluster.start_etcd("etcd-1")
            cluster.wait_until_registered("broker-1")
            self.assertEqual(1, sum("does not take" in line for line in cluster.log("broker-1")))

    def test_a_wrong_certificate_is_said(self):
        with harness.Cluster(BINARIES, brokers=1, tls=True) as cluster:
            cluster.start_etcd("etcd-1")
            tool.wait_for("etcd", cluster.etcd_answers)
            # The authority of somebody else.
            other = cluster.path("other.pem")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=other",
                 "-keyout", cluster.path("other.key"), "-out", other],
                check=True, stderr=subprocess.DEVNULL,
            )
            cluster.start_broker("broker-1", "--etcd_tls_ca=" + other)
            cluster.wait_for_log("broker-1", "certificate verify failed")
            cluster.wait_for_log("broker-1", "listening address=")
            self.serves(cluster, "broker-1")
            cluster.stop("broker-1")
            cluster.start_broker("broker-1")
            cluster.wait_until_registered("broker-1")

    def test_a_wrong_password_is_said_and_a_corrected_one_is_taken(self):
        with harness.Cluster(BINARIES, brokers=1) as cluster:
            cluster.start_etcd("etcd-1")
            tool.wait_for("etcd", cluster.etcd_answers)
            for command in [
                ("user", "add", "root:root"), ("user", "grant-role", "root", "root"), ("role", "add", "brokers"),
                ("role", "grant-permission", "--prefix=true", "brokers", "readwrite", tool.PREFIX + "/"),
                ("user", "add", "broker:secret"), ("user", "grant-role", "broker", "brokers"), ("auth", "enable"),
            ]:
                done = cluster.etcdctl(*command)
                self.assertEqual(0, done.returncode, done.stderr)
            password = cluster.path("password")

            def write(text):
                with open(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                    file.write(text)

            write("wrong\n")
            cluster.start_broker("broker-1", "--etcd_user=broker", "--etcd_password_file=" + password)
            cluster.wait_for_log("broker-1", "invalid user ID or password")
            cluster.wait_for_log("broker-1", "listening address=")
            self.serves(cluster, "broker-1")
            write("secret\n")
            cluster.wait_for_log("broker-1", "registered in etcd")
            # etcd forgets its tokens when it starts.
            cluster.stop("etcd-1", signal.SIGKILL)
            cluster.start_etcd("etcd-1")
            as_root = lambda: cluster.etcdctl("--user=root:root", "get", "--prefix", tool.PREFIX + "/", "--keys-only").stdout.strip()
            tool.wait_for("etcd", as_root)
            time.sleep(2 * tool.LEASE_SECONDS)
            self.assertTrue(as_root())

    def test_without_quorum_the_brokers_go_on_and_come_back(self):
        with harness.Cluster(BINARIES, brokers=1, etcds=3) as cluster:
            cluster.up()
            for name in ("etcd-1", "etcd-2"):
                cluster.stop(name, signal.SIGKILL)
            cluster.wait_for_log("broker-1", "etcd does not take this broker's entry; the broker goes on", 30)
            self.serves(cluster, "broker-1")
            cluster.start_etcd("etcd-1")
            cluster.wait_for_log("broker-1", "etcd answers again", 30)
            cluster.wait_until_registered("broker-1")

    def test_a_full_etcd_is_said_and_who_is_registered_stays_so(self):
        with harness.Cluster(BINARIES, brokers=2) as cluster:
            cluster.start_etcd("etcd-1", "--quota-backend-bytes=%d" % (2 << 20))
            tool.wait_for("etcd", cluster.etcd_answers)
            cluster.start_broker("broker-1")
            cluster.wait_until_registered("broker-1")
            while cluster.etcdctl("put", "filler", "x" * 100_000).returncode == 0:
                pass
            self.assertIn("NOSPACE", cluster.etcdctl("alarm", "list").stdout)
            cluster.start_broker("broker-2")
            cluster.wait_for_log("broker-2", "database space exceeded")
            cluster.wait_for_log("broker-2", "listening address=")
            self.serves(cluster, "broker-2")
            time.sleep(2 * tool.LEASE_SECONDS)
            self.assertEqual({"broker-1"}, set(cluster.entries()))
            revision = cluster.etcdctl("get", "x", "--write-out=fields").stdout.split('"Revision" : ')[1].split()[0]
            for command in [("compact", revision, "--physical"), ("defrag",), ("alarm", "disarm")]:
                cluster.etcdctl(*command)
            cluster.wait_until_registered("broker-2")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker_binary", required=True)
    parser.add_argument("--cmctl", required=True)
    arguments, rest = parser.parse_known_args()
    if harness.MISSING:
        print("SKIPPED: " + harness.MISSING)
        return
    BINARIES.update(broker=arguments.broker_binary, cmctl=arguments.cmctl)
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)


if __name__ == "__main__":
    main()
