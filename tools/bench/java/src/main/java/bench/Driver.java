package bench;

import com.alibaba.fastjson2.JSONObject;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollEventLoopGroup;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;

/**
 * Starts a Server, warms it up, says "ready", and answers each line of stdin, an object of
 * loadgen's flags, with an object of loadgen's report. Ends, and the server with it, when
 * stdin ends.
 */
final class Driver {
    private static final double LATE_NANOS = 10e6;

    private final EventLoop loop = new EpollEventLoopGroup(1).next();
    private final Process server;
    private final BufferedReader serverSays;
    private final int port;
    private long heapWithoutClients;

    public static void main(String[] arguments) throws Exception {
        double warm = 60;
        for (String argument : arguments) {
            if (!argument.startsWith("--warm=")) {
                System.err.println("java/run: takes --warm=DURATION only, got " + argument);
                System.exit(2);
            }
            warm = seconds(argument.substring("--warm=".length()));
        }
        Driver driver = new Driver();
        driver.warm(warm);
        System.out.println("ready");
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            System.out.println(driver.run(JSONObject.parseObject(line)));
        }
        driver.server.getOutputStream().close();
        driver.server.waitFor();
        System.exit(0);
    }

    private Driver() throws IOException {
        String java = System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
        // The flags of RocketMQ's own script, but for the size of the heap.
        server = new ProcessBuilder(List.of(java, "-server", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m",
            "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30", "-XX:SoftRefLRUPolicyMSPerMB=0",
            "-cp", System.getProperty("java.class.path"), Server.class.getName()))
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        serverSays = new BufferedReader(new InputStreamReader(server.getInputStream()));
        String line = serverSays.readLine();
        while (line != null && !line.startsWith("port ")) {
            System.err.println(line);
            line = serverSays.readLine();
        }
        if (line == null) {
            throw new IllegalStateException("the server ended");
        }
        port = Integer.parseInt(line.substring("port ".length()));
    }

    /** Both kinds of heartbeats, for half of the time each, so that all is compiled. */
    private void warm(double seconds) throws Exception {
        for (String heartbeat : List.of("full", "light")) {
            run(JSONObject.of("pace", "closed", "connections", "1000", "heartbeat", heartbeat,
                "duration", seconds / 2 + "s"));
        }
        heapWithoutClients = heapInUse();
    }

    private JSONObject run(JSONObject flags) throws Exception {
        int connections = Integer.parseInt(flags.getOrDefault("connections", "100").toString());
        int groups = Integer.parseInt(flags.getOrDefault("groups", "100").toString());
        String heartbeat = flags.getOrDefault("heartbeat", "light").toString();
        String pace = flags.getOrDefault("pace", "closed").toString();
        if (!pace.equals("closed") && !pace.endsWith("/s")) {
            throw new IllegalArgumentException("pace must be closed or a rate like 4000/s, got " + pace);
        }
        double perSecond = pace.equals("closed") ? 0 : Double.parseDouble(pace.substring(0, pace.length() - 2));
        try (Load load = new Load(loop, port, connections, groups, heartbeat.equals("light"), perSecond)) {
            load.start();
            sleep(seconds(flags.getOrDefault("warmup", "1s").toString()));
            load.takeCounts();
            long cpuBefore = server.info().totalCpuDuration().orElseThrow().toNanos();
            long begin = System.nanoTime();
            sleep(seconds(flags.getOrDefault("duration", "10s").toString()));
            double seconds = (System.nanoTime() - begin) / 1e9;
            double cpuSeconds = (server.info().totalCpuDuration().orElseThrow().toNanos() - cpuBefore) / 1e9;
            return report(connections, load.takeCounts(), seconds, cpuSeconds);
        }
    }

    private JSONObject report(int connections, Load.Counts counts, double seconds, double cpuSeconds) throws IOException {
        long[] answers = counts.answers.sorted();
        long[] lag = counts.lag.sorted();
        int late = 0;
        while (late < lag.length && lag[lag.length - 1 - late] > LATE_NANOS) {
            ++late;
        }
        return JSONObject.of(
            "heartbeats_per_second", answers.length / seconds,
            "on_schedule", counts.leftOut == 0 && late * 100 <= lag.length,
            "server", JSONObject.of(
                "cpu_us_per_heartbeat", answers.length == 0 ? 0 : cpuSeconds * 1e6 / answers.length,
                "rss_bytes_per_client", (double) (heapInUse() - heapWithoutClients) / connections),
            "answers", JSONObject.of(
                "p50_us", quantileMicros(answers, 0.5),
                "p99_us", quantileMicros(answers, 0.99),
                "p999_us", quantileMicros(answers, 0.999)));
    }

    private static double quantileMicros(long[] sorted, double part) {
        return sorted.length == 0 ? 0 : sorted[Math.max(0, (int) Math.ceil(part * sorted.length) - 1)] / 1e3;
    }

    /** Of the server, after a garbage collection. */
    private long heapInUse() throws IOException {
        server.getOutputStream().write('\n');
        server.getOutputStream().flush();
        String line = serverSays.readLine();
        if (line == null) {
            throw new IllegalStateException("the server ended");
        }
        return Long.parseLong(line);
    }

    /** "5s", "2.5s" or "100ms". */
    private static double seconds(String duration) {
        if (duration.endsWith("ms")) {
            return Double.parseDouble(duration.substring(0, duration.length() - 2)) / 1000;
        }
        if (duration.endsWith("s")) {
            return Double.parseDouble(duration.substring(0, duration.length() - 1));
        }
        throw new IllegalArgumentException("a duration is like 5s or 100ms, got " + duration);
    }

    private static void sleep(double seconds) throws InterruptedException {
        Thread.sleep((long) (seconds * 1000));
    }
}
