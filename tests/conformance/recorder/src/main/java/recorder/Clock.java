package recorder;

/** What RocketMQ's classes take for System.currentTimeMillis; see Main. */
public final class Clock {
    private static volatile long now = 1_700_000_000_000L;

    private Clock() {
    }

    public static long currentTimeMillis() {
        return now;
    }

    static void advance(long ms) {
        now += ms;
    }
}
