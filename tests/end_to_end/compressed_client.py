#!/usr/bin/env python3
"""Heartbeats with compressed messages, as calls and as frames, as gRPC's users switch it on.

Prints a line for each that was registered.

  PYTHONPATH=STUBS python3 compressed_client.py 127.0.0.1:10911
"""
import sys

import grpc
from rocketmq.clientmanager.v1 import client_manager_pb2 as pb, client_manager_pb2_grpc


def heartbeat(client_id):
    """Large enough, and alike enough, to be smaller when it is compressed."""
    request = pb.HeartbeatRequest(client_id=client_id, language=pb.LANGUAGE_CODE_PYTHON)
    subscriptions = request.consumers.add(group="compressed").subscriptions
    for i in range(200):
        subscriptions.add(topic="topic-%d" % i)
    return request


for name, compression in ("gzip", grpc.Compression.Gzip), ("deflate", grpc.Compression.Deflate):
    stub = client_manager_pb2_grpc.ClientManagerStub(grpc.insecure_channel(sys.argv[1], compression=compression))
    stub.Heartbeat(heartbeat("unary-" + name), timeout=20)
    answers = stub.Connect(iter([pb.ClientFrame(request_id=1, heartbeat=heartbeat("stream-" + name))]), timeout=20)
    replies = [frame.reply for frame in answers if frame.HasField("reply")]
    assert [reply.heartbeat.statement_token != 0 for reply in replies] == [True], replies
    print("unary and stream:", name, flush=True)
