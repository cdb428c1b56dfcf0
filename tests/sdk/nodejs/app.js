// A client by RocketMQ 5's SDK for Node.js: app.js ENDPOINTS KIND GROUP TOPIC,
// until a line on stdin or SIGTERM. KIND is producer, simple or push. Prints
// `started` and `stopped`.
const {ConsumeResult, Producer, PushConsumer, SimpleConsumer} = require('rocketmq-client-nodejs');

const [endpoints, kind, consumerGroup, topic] = process.argv.slice(2);

async function start() {
  if (kind === 'push') {
    const subscriptions = new Map([[topic, 'tagA || tagB']]);
    const messageListener = {consume: async () => ConsumeResult.SUCCESS};
    const consumer = new PushConsumer({endpoints, namespace: '', consumerGroup, subscriptions, messageListener});
    await consumer.startup();
    return consumer;
  }
  const client = kind === 'simple'
      ? new SimpleConsumer({endpoints, namespace: '', consumerGroup, subscriptions: new Map([[topic, '*']])})
      : new Producer({endpoints, namespace: '', topics: [topic]});
  await client.startup();
  return client;
}

start().then((client) => {
  console.log('started');
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await client.shutdown();
    console.log('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.stdin.on('data', stop);
  process.stdin.on('end', stop);
});
