"""A client by RocketMQ 5's SDK for Python: app.py ENDPOINTS KIND GROUP TOPIC, until a line on stdin or SIGTERM.

KIND is producer, simple or push. Prints `started` and `stopped`.
"""
import signal
import sys
import threading

from rocketmq.v5.client import ClientConfiguration, Credentials
from rocketmq.v5.consumer import ConsumeResult, MessageListener, PushConsumer, SimpleConsumer
from rocketmq.v5.model import FilterExpression
from rocketmq.v5.producer import Producer

endpoints, kind, group, topic = sys.argv[1:]


class Listener(MessageListener):
    def consume(self, message):
        return ConsumeResult.SUCCESS


if kind == "push":
    configuration = ClientConfiguration(endpoints, Credentials())
    client = PushConsumer(configuration, group, Listener(), {topic: FilterExpression("tagA || tagB")})
    client.startup()
elif kind == "simple":
    client = SimpleConsumer(ClientConfiguration(endpoints, Credentials()), group, {topic: FilterExpression("*")})
    client.startup()
else:
    client = Producer(ClientConfiguration(endpoints, Credentials()), {topic})
    client.startup()
print("started", flush=True)

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
stop.wait()
client.shutdown()
print("stopped", flush=True)
