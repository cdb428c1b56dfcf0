package bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;

/**
 * Clients of a broker, each with one connection and at most one heartbeat under way. All
 * of it happens on one event loop, as tools/loadgen has one thread; what is public is
 * called from another thread.
 */
final class Load implements AutoCloseable {
    private static final long OPENING_SECONDS = 120;
    private static final int MAX_FRAME_BYTES = 1 << 24;

    private final EventLoop loop;
    private final Client[] clients;
    private final boolean closedLoop;
    private final double periodNanos;
    private final CountDownLatch registered;

    private volatile String error;
    private boolean running;
    private long startNanos;
    private long sent;  // Of a pace: heartbeats that were due.
    private Counts counts = new Counts();

    /** What happened in some time. */
    static final class Counts {
        final Times answers = new Times();
        /** From when a heartbeat was due to its sending; none in a closed loop. */
        final Times lag = new Times();
        /** Due, but the one before was unanswered. */
        long leftOut;
    }

    /** Durations in nanoseconds. */
    static final class Times {
        private long[] nanos = new long[1 << 16];
        private int count;

        void add(long duration) {
            if (count == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * count);
            }
            nanos[count++] = duration;
        }

        int count() {
            return count;
        }

        /** Each no longer than the next. */
        long[] sorted() {
            long[] sorted = Arrays.copyOf(nanos, count);
            Arrays.sort(sorted);
            return sorted;
        }
    }

    /** Connects and registers all clients. `perSecond` in all; 0: a closed loop. */
    Load(EventLoop loop, int port, int connections, int groups, boolean light, double perSecond) throws Exception {
        this.loop = loop;
        closedLoop = perSecond == 0;
        periodNanos = 1e9 / perSecond;
        registered = new CountDownLatch(connections);
        clients = new Client[connections];
        Bootstrap bootstrap = new Bootstrap().group(loop).channel(EpollSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true);
        for (int i = 0; i < connections; ++i) {
            Client client = new Client(new Heartbeats(i, groups, light));
            clients[i] = client;
            bootstrap.handler(new ChannelInitializer<Channel>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(new LengthFieldBasedFrameDecoder(MAX_FRAME_BYTES, 0, 4, 0, 4), client);
                }
            });
            client.channel = bootstrap.connect("127.0.0.1", port).sync().channel();
        }
        if (!registered.await(OPENING_SECONDS, TimeUnit.SECONDS)) {
            fail("only " + (connections - registered.getCount()) + " of " + connections + " clients registered");
        }
        throwIfFailed();
    }

    void start() {
        loop.execute(() -> {
            running = true;
            startNanos = System.nanoTime();
            if (closedLoop) {
                for (Client client : clients) {
                    client.send();
                }
            } else {
                sendWhatIsDue();
            }
        });
    }

    /** What happened since it was last asked. */
    Counts takeCounts() throws Exception {
        Counts taken = loop.submit(() -> {
            Counts before = counts;
            counts = new Counts();
            return before;
        }).get();
        throwIfFailed();
        return taken;
    }

    @Override
    public void close() throws Exception {
        loop.submit(() -> running = false).get();
        for (Client client : clients) {
            if (client != null && client.channel != null) {
                client.channel.close().sync();
            }
        }
    }

    private void sendWhatIsDue() {
        if (!running) {
            return;
        }
        long now = System.nanoTime();
        long due = startNanos + (long) (sent * periodNanos);
        for (; due - now <= 0; due = startNanos + (long) (++sent * periodNanos)) {
            Client client = clients[(int) (sent % clients.length)];
            if (client.sentNanos != 0) {
                ++counts.leftOut;
                continue;
            }
            client.send();
            counts.lag.add(client.sentNanos - due);
        }
        loop.schedule(this::sendWhatIsDue, due - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private void fail(String what) {
        if (error == null) {
            error = what;
        }
    }

    private void throwIfFailed() {
        if (error != null) {
            throw new IllegalStateException(error);
        }
    }

    private final class Client extends SimpleChannelInboundHandler<ByteBuf> {
        private final Heartbeats heartbeats;
        private Channel channel;
        private boolean isRegistered;
        private long sentNanos;  // 0: no heartbeat is under way.
        private ByteBuf goodAnswer;  // They are all alike.

        Client(Heartbeats heartbeats) {
            this.heartbeats = heartbeats;
        }

        void send() {
            sentNanos = System.nanoTime();
            ByteBuf frame = isRegistered ? heartbeats.next : heartbeats.first;
            channel.writeAndFlush(frame.duplicate(), channel.voidPromise());
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            channel = context.channel();
            send();
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) throws Exception {
            if (!frame.equals(goodAnswer) && !isGoodAnswer(frame)) {
                return;
            }
            long now = System.nanoTime();
            if (isRegistered) {
                counts.answers.add(now - sentNanos);
            } else {
                isRegistered = true;
                registered.countDown();
            }
            sentNanos = 0;
            if (closedLoop && running) {
                send();
            }
        }

        private boolean isGoodAnswer(ByteBuf frame) throws Exception {
            ByteBuf bytes = frame.copy();
            RemotingCommand command = RemotingCommand.decode(frame);
            if (!command.isResponseType()) {
                if (command.getCode() != RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) {
                    fail("the broker asks for " + command.getCode());
                }
                return false;
            }
            if (command.getCode() != ResponseCode.SUCCESS) {
                fail("the answer is " + command.getCode() + ": " + command.getRemark());
                return false;
            }
            goodAnswer = bytes;
            return true;
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (running) {
                fail("the broker closed a connection");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            fail(cause.toString());
        }
    }
}
