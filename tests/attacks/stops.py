"""The broker is told to stop while an attack lasts: it must end in its time."""

import time

from attack import attack
from clients import SERVICE, close, frame_of, heartbeat, heartbeat_message, hold, open_many
from connections import dial_many, shut
from transport import dial
from flood import Flood
import wire


@attack(stops=True)
def stop_under_resets(target, outcome):
    """a stop under rapid reset"""
    Flood(target, wire.prelude(SERVICE + "Connect"),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream) + wire.reset(stream)), 2).run(outcome, 20)


@attack(stops=True)
def stop_under_unary_calls(target, outcome):
    """a stop under unary calls that are sent without waiting"""
    body = heartbeat_message("flooder")
    Flood(target, wire.prelude(SERVICE + "Heartbeat", acknowledges=False),
          lambda: wire.blocks_of_calls(lambda stream: wire.call(stream, body)), 2).run(outcome, 20)


@attack(stops=True)
def stop_under_frames(target, outcome):
    """a stop under WINDOW_UPDATE frames on four connections"""
    Flood(target, wire.prelude(), lambda: wire.blocks_of(wire.window_update(0, 1)), 4).run(outcome, 20)


@attack(stops=True)
def stop_under_silent_streams(target, outcome):
    """a stop while 4,000 streams say nothing, and 1,000 have joined and read nothing"""
    silent = open_many(target, 2, 2000, SERVICE + "Connect")
    deaf = target.connect(settings={4: 0}, acknowledges=False)
    for i in range(1000):
        deaf.open(SERVICE + "Connect", frame_of(heartbeat("deaf-%d" % i)), ends=False)
    deaf.flush()
    hold(silent, 20)
    close(silent + [deaf])


@attack(stops=True)
def stop_under_connections(target, outcome):
    """a stop while connections come and go, and 500 say nothing"""
    silent = dial_many(target.address, 500)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            dial(target.address, target.source, 1).close()
        except OSError:
            time.sleep(0.01)
    shut(silent)
