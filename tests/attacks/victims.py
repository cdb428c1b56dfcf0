#!/usr/bin/python3
"""Well-behaved clients: each holds a stream and heartbeats, the next after the last is answered.

  victims.py BROKER COUNT INTERVAL    until stdin ends; then a line of JSON.

`begin` on stdin begins a time of which `end` answers how long answers took.
"""

import asyncio
import contextlib
import json
import os
import sys
import time

import grpc
import grpc.aio

import stubs
from transport import grpc_channel, signature

pb, pb_grpc = stubs.load()

# The expiry that they ask for, the shortest that the broker grants.
EXPIRY_S = 10
# Who waits for an answer for longer gives up: it is lost.
PATIENCE_S = 15


class Victim:
    def __init__(self, number, broker, interval):
        self.number, self.broker, self.interval = number, broker, interval
        self.latencies = []
        self.asked = None  # When, while an answer is outstanding.
        self.lost = None  # Why.
        self.expired = False

    async def run(self, joined, stop):
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc_channel(self.broker, options) as channel:
            call = pb_grpc.ClientManagerStub(channel).Connect(metadata=signature("victim"))
            heartbeat = pb.HeartbeatRequest(client_id="victim-%d" % self.number, language=pb.LANGUAGE_CODE_PYTHON)
            heartbeat.requested_channel_expiry.seconds = EXPIRY_S
            heartbeat.consumers.add(group="victims-%d" % (self.number % 10)).subscriptions.add(topic="orders")
            request_id = 0
            try:
                while not stop.is_set():
                    request_id += 1
                    self.asked = time.monotonic()
                    await asyncio.wait_for(self.beat(call, request_id, heartbeat), PATIENCE_S)
                    self.latencies += self.waits(time.monotonic())
                    self.asked = None
                    if request_id == 1:
                        joined.release()
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(stop.wait(), self.interval)
            except asyncio.TimeoutError:
                self.lost = "no answer for %d s" % PATIENCE_S
            except (grpc.RpcError, asyncio.InvalidStateError, RuntimeError) as error:
                self.lost = str(getattr(error, "details", lambda: error)())
                self.expired = self.lost.startswith("EXPIRED")
            finally:
                call.cancel()

    def waits(self, now):
        """How long the outstanding answer took by now; and the heartbeats that would have come meanwhile, if nobody waited."""
        while self.asked is not None and now > self.asked:
            yield now - self.asked
            now -= self.interval

    async def beat(self, call, request_id, heartbeat):
        await call.write(pb.ClientFrame(request_id=request_id, heartbeat=heartbeat))
        while True:
            frame = await call.read()
            if frame is grpc.aio.EOF:
                raise RuntimeError(await call.details() or "the stream ended: %s" % await call.code())
            if frame.HasField("reply"):
                if frame.reply.status.code:
                    raise RuntimeError("refused: " + frame.reply.status.message)
                return


def figures(victims):
    """Of the time since the latencies were cleared."""
    now = time.monotonic()
    latencies = sorted(latency for victim in victims for latency in victim.latencies + list(victim.waits(now)))
    return {
        "answers": sum(len(victim.latencies) for victim in victims),
        "p99_s": latencies[len(latencies) * 99 // 100] if latencies else None,
        "max_s": latencies[-1] if latencies else None,
    }


async def main():
    broker, count, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    # They are what is measured with: not to be held up by attackers of the same machine.
    with contextlib.suppress(OSError):
        os.nice(-10)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    joined = asyncio.Semaphore(0)
    victims = [Victim(i, broker, interval) for i in range(count)]
    tasks = [asyncio.create_task(victim.run(joined, stop)) for victim in victims]
    for _ in victims:
        await asyncio.wait_for(joined.acquire(), 60)
    print("ready", flush=True)
    while True:
        command = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
        if command == "begin":
            for victim in victims:
                victim.latencies.clear()
            print("{}", flush=True)
        elif command == "end":
            print(json.dumps(figures(victims)), flush=True)
        else:
            break
    stop.set()
    await asyncio.gather(*tasks)
    print(json.dumps({
        "lost": [victim.lost for victim in victims if victim.lost],
        "expired": sum(victim.expired for victim in victims),
    }), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
