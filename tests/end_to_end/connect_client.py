#!/usr/bin/env python3
"""Joins a consumer group over one Connect stream, and prints its members.

  python3 -m grpc_tools.protoc -Iproto --python_out=. --grpc_python_out=. \\
      rocketmq/clientmanager/v1/client_manager.proto
  PYTHONPATH=. python3 connect_client.py 127.0.0.1:10911 orders
"""
import os, queue, sys, time
import grpc
from rocketmq.clientmanager.v1 import client_manager_pb2 as pb, client_manager_pb2_grpc

broker, group = sys.argv[1:]
full = pb.HeartbeatRequest(client_id="python@%d" % os.getpid(), language=pb.LANGUAGE_CODE_PYTHON)
full.consumers.add(group=group, message_model=pb.MESSAGE_MODEL_CLUSTERING).subscriptions.add(topic="orders")
heartbeats = queue.SimpleQueue()  # What to send next, and how many seconds from now.
heartbeats.put((full, 0))

def frames():
    while True:
        heartbeat, delay = heartbeats.get()
        time.sleep(delay)
        yield pb.ClientFrame(request_id=1, heartbeat=heartbeat)

stub = client_manager_pb2_grpc.ClientManagerStub(grpc.insecure_channel(broker))
for frame in stub.Connect(frames()):
    if frame.HasField("notify_consumer_ids_changed"):
        members = stub.GetConsumerListByGroup(pb.GetConsumerListByGroupRequest(group=group))
        print("members:", *members.client_ids, flush=True)
    elif frame.reply.status.code:
        sys.exit(frame.reply.status.message)
    else:
        answer = frame.reply.heartbeat
        if answer.HasField("suggested_interval"):  # To a full one: light ones may follow.
            interval = answer.suggested_interval.ToTimedelta().total_seconds()
            light = pb.HeartbeatRequest(statement_token=answer.statement_token)
        stated = light.statement_token and not answer.full_statement_needed
        heartbeats.put((light if stated else full, interval))
