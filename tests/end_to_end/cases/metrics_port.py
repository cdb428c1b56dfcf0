#!/usr/bin/env python3
"""What a metrics port meets: port scanners, a browser's spare connection, a load balancer's probe, a second Prometheus
whose network is stuck, an IPv6 address, a port that another program has.

Right: a scrape beside silent and slow connections is answered within 5 s (Prometheus gives up after 10 s). Metrics are
served on an IPv6 address. If an address cannot be listened on, the broker says why.
Wrong: a scrape waits until a silent connection is given up, or the broker is without metrics and guesses at the reason.
"""

import re
import socket
import threading
import time
import urllib.request

from support.network import free_port
from support.processes import Broker
from support.situations import CannotBeTried, run, situation


def scrape(address):
    """(bytes, seconds); 0 bytes if there was no answer within 5 s."""
    begin = time.monotonic()
    try:
        size = len(urllib.request.urlopen("http://%s/metrics" % address, timeout=5).read())
    except OSError:
        size = 0
    return size, time.monotonic() - begin


def connect(broker):
    host, port = broker.metrics.rsplit(":", 1)
    return socket.create_connection((host, int(port)), 5)


def scrape_beside(count, says):
    """A scrape beside `count` connections with each of which `says` does something, in a thread."""
    with Broker(metrics="127.0.0.1:0") as broker:
        connections = []
        for _ in range(count):
            connections.append(connect(broker))
            threading.Thread(target=says, args=(connections[-1],), daemon=True).start()
        # The port accepts connections in their order: these come before the scrape's.
        size, seconds = scrape(broker.metrics)
        for connection in connections:
            connection.close()
        return size > 0, "beside %d such connections a scrape gave %d bytes in %.1f s" % (count, size, seconds)


@situation
def silent_connections():
    return scrape_beside(3, lambda connection: None)


@situation
def a_crowd_of_silent_connections():
    return scrape_beside(200, lambda connection: None)


@situation
def half_a_request():
    return scrape_beside(20, lambda connection: connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: bro"))


@situation
def dripping_requests():
    def drip(connection):
        try:
            for byte in b"GET /metrics HTTP/1.1\r\nHost: broker\r\nX-Long: " + b"x" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.2)  # This is what makes it slow.
        except OSError:
            pass

    return scrape_beside(20, drip)


@situation
def kept_connections_that_ask_once():
    return scrape_beside(
        20, lambda connection: connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: b\r\nConnection: keep-alive\r\n\r\n")
    )


@situation
def an_ipv6_address():
    try:
        port = free_port("::1", socket.AF_INET6)
    except OSError:
        raise CannotBeTried("no IPv6 here") from None
    with Broker(metrics="[::1]:%d" % port) as broker:
        size, _ = scrape("[::1]:%d" % port)
        return size > 0, "%d bytes of metrics; the broker's last line: %s" % (size, broker.last_line())


@situation
def a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = "127.0.0.1:%d" % other.getsockname()[1]
        return said_of(taken)


@situation
def a_port_of_another_broker():
    with Broker(metrics="127.0.0.1:0") as first:
        return said_of(first.metrics)


def said_of(taken):
    """What a broker says of a metrics address that is in use."""
    try:
        with Broker(metrics=taken) as broker:
            said = broker.wait_for(r"metrics are not served.*", 2)
            said = said.group(0) if said else "nothing"
    except RuntimeError as error:  # It may also refuse to start.
        said = str(error)
    says_why = re.search(r"in use|listens on", said) and "?" not in said  # A question is a guess.
    return taken in said and bool(says_why), "of %s the broker says: %s" % (taken, said[-200:])


run()
