package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/**
 * RocketMQ's broker with its default configuration, without a name server. What has no
 * part in clients' management is set up but not started, so that its threads cost
 * nothing. Says "port N" when it listens; answers each further line of stdin with the
 * bytes of its heap that are in use; ends with stdin.
 */
final class Server {
    private Server() {
    }

    public static void main(String[] arguments) throws Exception {
        Path store = Files.createTempDirectory("rocketmq-bench");
        try {
            serve(store);
        } finally {
            delete(store);
        }
        // The controller's threads would live on.
        Runtime.getRuntime().halt(0);
    }

    private static void serve(Path store) throws Exception {
        NettyServerConfig server = new NettyServerConfig();
        server.setBindAddress("127.0.0.1");
        server.setListenPort(0);
        MessageStoreConfig messageStore = new MessageStoreConfig();
        messageStore.setStorePathRootDir(store.toString());
        messageStore.setTimerWheelEnable(false);
        BrokerController controller =
            new BrokerController(new BrokerConfig(), server, new NettyClientConfig(), messageStore);
        if (!controller.initialize()) {
            throw new IllegalStateException("the broker does not initialize");
        }
        controller.getRemotingServer().start();
        System.out.println("port " + controller.getRemotingServer().localListenPort());

        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        while (requests.readLine() != null) {
            System.gc();
            System.out.println(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> paths = Files.walk(folder)) {
            deepestFirst = paths.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
        }
        for (Path path : deepestFirst) {
            Files.delete(path);
        }
    }
}
