// A client by RocketMQ 5's SDK for Java: App ENDPOINTS KIND GROUP TOPIC, until a
// line on stdin or SIGTERM. KIND is producer, simple or push. Prints `started` and
// `stopped`.
import java.io.Closeable;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;

public class App {
  static Closeable start(String endpoints, String kind, String group, String topic) throws Exception {
    ClientServiceProvider provider = ClientServiceProvider.loadService();
    ClientConfiguration configuration =
        ClientConfiguration.newBuilder().setEndpoints(endpoints).enableSsl(false).build();
    FilterExpression all = new FilterExpression("*", FilterExpressionType.TAG);
    FilterExpression tags = new FilterExpression("tagA || tagB", FilterExpressionType.TAG);
    switch (kind) {
      case "push":
        return provider.newPushConsumerBuilder().setClientConfiguration(configuration)
            .setConsumerGroup(group).setSubscriptionExpressions(Collections.singletonMap(topic, tags))
            .setMessageListener(message -> ConsumeResult.SUCCESS).build();
      case "simple":
        return provider.newSimpleConsumerBuilder().setClientConfiguration(configuration)
            .setConsumerGroup(group).setSubscriptionExpressions(Collections.singletonMap(topic, all))
            .setAwaitDuration(Duration.ofSeconds(5)).build();
      default:
        return provider.newProducerBuilder().setClientConfiguration(configuration).setTopics(topic).build();
    }
  }

  public static void main(String[] arguments) throws Exception {
    Closeable client = start(arguments[0], arguments[1], arguments[2], arguments[3]);
    System.out.println("started");
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      stop.countDown();
      try {
        stopped.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }));
    Thread reader = new Thread(() -> {
      try {
        System.in.read();
      } catch (java.io.IOException e) {
        // As the end of stdin.
      }
      stop.countDown();
    });
    reader.setDaemon(true);
    reader.start();
    stop.await();
    client.close();
    System.out.println("stopped");
    stopped.countDown();
    System.exit(0);
  }
}
