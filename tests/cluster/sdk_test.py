#!/usr/bin/env python3
"""Clients of RocketMQ 5's SDKs that know one broker come to all brokers that etcd lists.

  tests/cluster/sdk_test.py --broker_binary=... --cmctl=... [--languages=java,nodejs,python,go] [--first]
"""

import argparse
import os
import signal
import sys
import time

import harness
from harness import ENDED_SECONDS, say, tool

sdk = harness.load(os.path.join(harness.FOLDER, "..", "sdk", "run"))
CACHE = os.environ.get("ROCKETMQ_SDK_CACHE") or os.path.expanduser("~/.cache/rocketmq-client-manager/sdk")
# SDKs ask for routes, and heartbeat, so often; and what they need besides.
ROUTE_SECONDS, HEARTBEAT_SECONDS, MARGIN = 30, 10, 10


def on(cluster, client, names):
    """Whether the client is a member at these brokers, exactly once at each, and at no other that lives."""
    return all(len((cluster.ask(name, "ids", client.group) or "").split()) == (name in names) for name in cluster.living())


def wait_for_all(cluster, clients, names, event, seconds):
    began = time.monotonic()
    for client in clients:
        tool.wait_for("%s at %s: %s\n%s" % (client.group, sorted(names), event, "".join(client.said[-5:])),
                      lambda: on(cluster, client, names), seconds)
    say("%-45s %s at each of %d brokers after %.1f s" %
        (event, ", ".join(client.language for client in clients), len(names), time.monotonic() - began))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker_binary", required=True)
    parser.add_argument("--cmctl", required=True)
    parser.add_argument("--languages", default="nodejs,python,java,go", help="of those that tests/sdk/install has installed")
    parser.add_argument("--first", action="store_true", help="only the first that is installed")
    arguments = parser.parse_args()
    languages = [language for language in arguments.languages.split(",") if os.path.exists(os.path.join(CACHE, language, "installed"))]
    if harness.MISSING or not languages:
        print("SKIPPED: " + (harness.MISSING or "no SDK is installed in %s (tests/sdk/install)" % CACHE))
        return
    if arguments.first:
        languages = languages[:1]
    clients = []
    with harness.Cluster({"broker": arguments.broker_binary, "cmctl": arguments.cmctl}) as cluster:
        try:
            cluster.up()
            time.sleep(harness.LISTED_SECONDS)  # The clients ask for the route at once, and then every 30 s.
            names = set(cluster.broker_names())
            first, second, third = sorted(names)
            time.sleep(harness.LISTED_SECONDS)
            for language in languages:
                client = sdk.Client(language, "push", CACHE, cluster.path("home-" + language))
                clients.append(client)
                client.start(cluster.address(first))  # Its access point: the one broker that it knows.
            wait_for_all(cluster, clients, names, "the start", 30)

            cluster.stop(third, signal.SIGKILL)
            tool.wait_for("the end of the lease", lambda: third not in (cluster.entries() or {third}), ENDED_SECONDS)
            wait_for_all(cluster, clients, {first, second}, third + " was killed", MARGIN)
            cluster.start_broker(third)
            cluster.wait_until_registered(third)
            wait_for_all(cluster, clients, names, third + " is back", ROUTE_SECONDS + HEARTBEAT_SECONDS + MARGIN)

            cluster.ask(second, "drain", "--for=2s", "--no-wait")
            tool.wait_for("the withdrawal", lambda: second not in (cluster.entries() or {second}), 2)
            # Who starts now is not sent to the broker that drains.
            newcomer = sdk.Client(languages[0], "simple", CACHE, cluster.path("home-newcomer"))
            clients.append(newcomer)
            time.sleep(harness.LISTED_SECONDS)
            newcomer.start(cluster.address(first))
            wait_for_all(cluster, [newcomer], {first, third}, "a newcomer during a drain of " + second, 30)
            cluster.ask(second, "drain", "--cancel")
            wait_for_all(cluster, clients, names, second + " lets clients in again", ROUTE_SECONDS + HEARTBEAT_SECONDS + MARGIN)
        finally:
            for client in clients:
                client.end()
    say("PASSED")


if __name__ == "__main__":
    try:
        main()
    except tool.Error as error:
        sys.exit("FAILED: %s" % error)
