#!/usr/bin/python3
"""Well-behaved clients: each holds a stream and heartbeats, the next after the last is answered.

  victims.py BROKER COUNT INTERVAL    until stdin ends; then one line of JSON.
"""

import asyncio
import json
import os
import sys
import time

import grpc
import grpc.aio

import stubs

pb, pb_grpc = stubs.load()

# Who waits for an answer for longer gives up: it is lost.
PATIENCE = 10


class Victim:
    def __init__(self, number, broker, interval):
        self.number, self.broker, self.interval = number, broker, interval
        self.latencies = []
        self.lost = None  # Why.

    async def run(self, joined, stop):
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.broker, options=options) as channel:
            call = pb_grpc.ClientManagerStub(channel).Connect()
            heartbeat = pb.HeartbeatRequest(client_id="victim-%d" % self.number, language=pb.LANGUAGE_CODE_PYTHON)
            heartbeat.consumers.add(group="victims-%d" % (self.number % 10)).subscriptions.add(topic="orders")
            request_id = 0
            try:
                while not stop.is_set():
                    request_id += 1
                    begin = time.monotonic()
                    await asyncio.wait_for(self.beat(call, request_id, heartbeat), PATIENCE)
                    self.latencies.append(time.monotonic() - begin)
                    if request_id == 1:
                        joined.release()
                    try:
                        await asyncio.wait_for(stop.wait(), self.interval)
                    except asyncio.TimeoutError:
                        pass
            except asyncio.TimeoutError:
                self.lost = "no answer for %d s" % PATIENCE
            except (grpc.RpcError, asyncio.InvalidStateError, RuntimeError) as error:
                self.lost = str(getattr(error, "details", lambda: error)())
            finally:
                call.cancel()

    async def beat(self, call, request_id, heartbeat):
        await call.write(pb.ClientFrame(request_id=request_id, heartbeat=heartbeat))
        while True:
            frame = await call.read()
            if frame is grpc.aio.EOF:
                raise RuntimeError("the stream ended: %s %s" % (await call.code(), await call.details()))
            if frame.HasField("reply"):
                if frame.reply.status.code:
                    raise RuntimeError(frame.reply.status.message)
                return


async def main():
    broker, count, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    joined = asyncio.Semaphore(0)
    victims = [Victim(i, broker, interval) for i in range(count)]
    tasks = [asyncio.create_task(victim.run(joined, stop)) for victim in victims]
    for _ in victims:
        await asyncio.wait_for(joined.acquire(), 60)
    for victim in victims:
        victim.latencies.clear()
    print("ready", flush=True)
    while await loop.run_in_executor(None, os.read, 0, 1):
        pass
    stop.set()
    await asyncio.gather(*tasks)
    latencies = sorted(latency for victim in victims for latency in victim.latencies)
    print(json.dumps({
        "answers": len(latencies),
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100] if latencies else None,
        "max_ms": 1000 * latencies[-1] if latencies else None,
        "lost": [victim.lost for victim in victims if victim.lost],
    }), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
