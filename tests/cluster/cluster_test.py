#!/usr/bin/env python3
"""Clients find three brokers through a real etcd, while brokers and etcd come and go.

  bazel test //tests/cluster:cluster_test                               30 clients, each event once
  tests/cluster/run [--clients=300] [--seconds=120] [--tls]             the long form

After each event each client is on each living broker exactly once within 15 s, no entry stays longer than its
lease, and no log has a warning or an error that is not about the event.
"""

import argparse
import functools
import signal
import sys
import time

import harness
from harness import ENDED_SECONDS, say, tool

# Of brokers and clients, when etcd or a broker was killed on purpose.
ABOUT_THE_EVENTS = [
    r"etcd",
    r"open files may run out",
    r"\] drain (cancel )?asked",
    r"broker=127\.0\.0\.1:\d+",  # A client about a broker that was killed.
]


def restart_a_broker(proof, name, number):
    cluster = proof.cluster
    began = time.monotonic()
    cluster.stop(name, number)
    others = set(cluster.broker_names()) - {name}
    if number == signal.SIGTERM:
        # The entry was withdrawn at the beginning of the stop.
        proof.entries_are(others, 1)
    proof.settled("%s %s" % (name, "was killed" if number == signal.SIGKILL else "was stopped"))
    proof.entries_are(others, ENDED_SECONDS - (time.monotonic() - began))
    cluster.start_broker(name)
    cluster.wait_until_registered(name)
    proof.settled("%s is back" % name)


def drain(proof, name):
    """An operator drains a broker, and lets clients in again."""
    cluster = proof.cluster
    others = set(cluster.broker_names()) - {name}
    began = time.monotonic()
    if cluster.ask(name, "drain", "--for=4s", "--no-wait") is None:
        raise tool.Error("%s could not be drained" % name)
    proof.entries_are(others, 2)  # At the beginning.
    # Those who are there are told to go one after the other: only newcomers are kept away by the withdrawal.
    left = cluster.channels(name)
    since = time.monotonic() - began
    if left < len(proof.clients.ids) * (1 - since / 4) - 2:
        raise tool.Error("%.1f s after the beginning of a drain of 4 s %s had %d clients" % (since, name, left))
    tool.wait_for("the last client of " + name, lambda: not cluster.channels(name), 20)
    say("%s was drained in %.1f s" % (name, time.monotonic() - began))
    if cluster.ask(name, "drain", "--cancel") is None:
        raise tool.Error("the drain of %s could not be cancelled" % name)
    proof.entries_are(cluster.broker_names(), 2)
    proof.settled("%s lets clients in again" % name)


def cut_off(proof, name, clients_binary):
    """One broker alone does not reach etcd: it keeps its clients, and nobody else comes."""
    cluster = proof.cluster
    others = set(cluster.broker_names()) - {name}
    way = harness.Forwarder(cluster.address(cluster.etcd_names()[0]))
    cluster.stop(name, signal.SIGTERM)
    cluster.start_broker(name, "--etcd=" + way.address)
    cluster.wait_until_registered(name)
    proof.settled("%s reaches etcd by another way" % name)
    way.cut()
    proof.entries_are(others, ENDED_SECONDS)
    newcomer = harness.Clients(clients_binary, cluster, 1, group="newcomers")
    for other in others:
        tool.wait_for("the newcomer at " + other, lambda: cluster.ask(other, "ids", "newcomers"), 15)
    if cluster.ask(name, "ids", "newcomers"):
        raise tool.Error("a newcomer has come to %s, which etcd does not list" % name)
    proof.settled("%s is cut off from etcd" % name, 1)
    newcomer.leave()
    way.mend()
    proof.entries_are(cluster.broker_names(), 15)
    proof.settled("%s reaches etcd again" % name)


def restart_etcd(proof):
    cluster = proof.cluster
    name = cluster.etcd_names()[0]
    cluster.stop(name, signal.SIGKILL)
    time.sleep(2 * tool.LEASE_SECONDS)
    proof.settled("etcd was killed, two leases ago")
    cluster.start_etcd(name)
    proof.entries_are(cluster.broker_names(), 15)
    proof.settled("etcd is back")


def compact(proof):
    cluster = proof.cluster
    revision = cluster.etcdctl("get", "x", "--write-out=fields").stdout.split('"Revision" : ')[1].split()[0]
    compacted = cluster.etcdctl("compact", revision, "--physical")
    if compacted.returncode != 0:
        raise tool.Error("compaction: " + compacted.stderr)
    proof.settled("etcd was compacted")


def revoke_a_lease(proof):
    cluster = proof.cluster
    leases = [word for word in cluster.etcdctl("lease", "list").stdout.split() if len(word) >= 12 and word.isalnum()]
    revoked = cluster.etcdctl("lease", "revoke", leases[0])
    if revoked.returncode != 0:
        raise tool.Error("revoking: " + revoked.stderr)
    proof.entries_are(cluster.broker_names(), tool.LEASE_SECONDS)
    proof.settled("a lease was revoked")


def put_foreign_entries(proof):
    cluster = proof.cluster
    folder = "%s/%s/brokers/" % (tool.PREFIX, tool.NAME)
    for key, value in [
        ("foreign", "hello"),
        ("newer/0", '{"majorVersion":2,"brokerName":"newer","addresses":7}'),
        ("torn/0", '{"majorVersion":1,"cluster":"%s","brokerName":"torn","addre' % tool.NAME),
    ]:
        cluster.etcdctl("put", folder + key, value)
    proof.settled("etcd has foreign, newer and torn entries")


def came_back(watch, name):
    states = [one["state"]["connected"] for one in watch.told().get(name + ":0", []) if "state" in one]
    return "-+" in "".join("+" if connected else "-" for connected in states)


def check_watch(watch, names, drained):
    """The watch tells that each broker was away and came back, and who left the one that was drained."""
    for name in names:  # Clients may be back before the watch is.
        wanted = "word from the watch that %s was away and is back" % name
        tool.wait_for(wanted, functools.partial(came_back, watch, name), harness.SETTLED_SECONDS)
    watch.end()
    reasons = [one["event"]["reason"] for one in watch.told()[drained + ":0"] if "event" in one]
    if "REMOVAL_REASON_DRAINED" not in reasons:
        raise tool.Error("the watch has not told of the drain of %s" % drained)
    say("the watch has told of each broker that it was away and came back, and of the drain")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker_binary", required=True)
    parser.add_argument("--cmctl", required=True)
    parser.add_argument("--clients_binary", required=True)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=0, help="go on with further events for so long")
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    if harness.MISSING:
        print("SKIPPED: " + harness.MISSING)
        return
    end = time.monotonic() + arguments.seconds
    binaries = {"broker": arguments.broker_binary, "cmctl": arguments.cmctl}
    with harness.Cluster(binaries, tls=arguments.tls) as cluster:
        cluster.up()
        clients = harness.Clients(arguments.clients_binary, cluster, arguments.clients)
        proof = harness.Proof(cluster, clients)
        proof.settled("the start", 60)
        first, second, third = cluster.broker_names()
        watch = harness.Watch(cluster)
        restart_a_broker(proof, first, signal.SIGKILL)
        revoke_a_lease(proof)
        put_foreign_entries(proof)  # They stay.
        drain(proof, first)
        cut_off(proof, second, arguments.clients_binary)
        compact(proof)
        restart_a_broker(proof, second, signal.SIGTERM)
        restart_etcd(proof)
        restart_a_broker(proof, third, signal.SIGKILL)
        while time.monotonic() < end:
            for name in cluster.broker_names():
                restart_a_broker(proof, name, signal.SIGKILL)
            restart_etcd(proof)
            compact(proof)
            drain(proof, second)
        check_watch(watch, cluster.broker_names(), drained=first)
        clients.leave()
        bad = []
        for name in cluster.broker_names() + ["clients"]:
            bad += harness.unexpected(cluster.log(name), ABOUT_THE_EVENTS)
        if bad:
            raise tool.Error("lines that are not about the events:\n" + "".join(bad))
    say("PASSED")


if __name__ == "__main__":
    try:
        main()
    except tool.Error as error:
        sys.exit("FAILED: %s" % error)
