#!/usr/bin/env python3
"""Joins a consumer group over one Connect stream, and holds the group's list.

  python3 -m grpc_tools.protoc -Iproto --python_out=. --grpc_python_out=. \\
      rocketmq/clientmanager/v1/client_manager.proto
  PYTHONPATH=. python3 membership_client.py 127.0.0.1:10911 orders [CLIENT_ID]

Keeps the list up to date by what the pushes say, and acknowledges it, by the
rules of proto/README.md.
"""
import os, queue, sys, time
import grpc
from rocketmq.clientmanager.v1 import client_manager_pb2 as pb, client_manager_pb2_grpc

broker, group, *named = sys.argv[1:]
client_id = named[0] if named else "python@%d" % os.getpid()
full = pb.HeartbeatRequest(client_id=client_id, language=pb.LANGUAGE_CODE_PYTHON)
full.consumers.add(group=group, message_model=pb.MESSAGE_MODEL_CLUSTERING).subscriptions.add(topic="orders")
to_send = queue.PriorityQueue()  # Frames, each with the time to send it, and a number that keeps the order.
numbers = iter(range(1 << 60))

def send(delay=0, **frame):
    to_send.put((time.monotonic() + delay, next(numbers), pb.ClientFrame(**frame)))

def frames():
    while True:
        at, number, frame = to_send.get()
        if at > time.monotonic():  # Another one may become due earlier.
            to_send.put((at, number, frame))
            time.sleep(min(0.05, at - time.monotonic()))
            continue
        yield frame

stub = client_manager_pb2_grpc.ClientManagerStub(grpc.insecure_channel(broker))
held, members = 0, set()  # The list that the client holds, and its epoch.
incarnation = 0  # Of the broker; 0 before the first full answer.
early = []  # Pushes that came before it.

def read_list():
    request = pb.GetConsumerListByGroupRequest(group=group)
    ids = []
    while True:
        page = stub.GetConsumerListByGroup(request)
        ids += page.client_ids
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return page.epoch, ids

def apply(push):
    """Brings the list up to date, acknowledges and prints it."""
    global held, members
    if push.epoch <= held:
        return
    if push.complete and (push.client_ids or push.base_epoch == held):
        held, ids = (push.epoch, push.client_ids) if push.client_ids else read_list()
        members = set(ids)
        said = "complete"
    elif not push.complete and push.base_epoch <= held:
        said = "from %d" % push.base_epoch
        for change in push.changes:
            if change.type == pb.MemberChange.TYPE_LEFT:
                members.discard(change.client_id)
                reason = pb.RemovalReason.Name(change.reason).replace("REMOVAL_REASON_", "")
                said += " -%s %s" % (change.client_id, reason)
            else:
                members.add(change.client_id)
                said += " +" + change.client_id
        held = push.epoch
    else:
        return
    acknowledge(said)

def acknowledge(said):
    send(acknowledge=pb.Acknowledge(group=group, epoch=held, broker_incarnation=incarnation))
    print("epoch", held, said, "members:", *sorted(members), flush=True)

send(request_id=1, heartbeat=full)
for frame in stub.Connect(frames()):
    if frame.HasField("notify_consumer_ids_changed"):
        if incarnation:
            apply(frame.notify_consumer_ids_changed)
        else:
            early.append(frame.notify_consumer_ids_changed)
    elif frame.reply.status.code:
        sys.exit(frame.reply.status.message)
    else:
        answer = frame.reply.heartbeat
        if answer.HasField("suggested_interval"):  # To a full one: light ones may follow.
            interval = answer.suggested_interval.ToTimedelta().total_seconds()
            light = pb.HeartbeatRequest(statement_token=answer.statement_token)
            incarnation = answer.broker_incarnation
            if not answer.group_epochs:
                sys.exit("the broker knows no acknowledgments")
            while early:
                apply(early.pop(0))
            wait = min(1, interval)
        else:
            if not held:  # The stream took the place of another one: nothing changed, so nothing was pushed.
                held, members = read_list()
                members = set(members)
                acknowledge("listed")
            wait = interval
        stated = light.statement_token and not answer.full_statement_needed
        send(wait, request_id=1, heartbeat=light if stated else full)
