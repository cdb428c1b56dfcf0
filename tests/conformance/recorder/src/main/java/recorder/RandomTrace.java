package recorder;

import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

/**
 * Random operations of a seed, against a broker of random settings.
 *
 * Kept out is what has no one outcome in Java: a group that one heartbeat states twice and
 * differently, an exception with more than one group to come (sets of groups have no order), the answer
 * of findChannel in a group with a client that has no id.
 */
final class RandomTrace {
    private static final String[] CONSUMER_GROUPS = {"cg_a", "cg_b", "cg_bcast", "cg_quiet", "cg_pull", "cg_extra"};
    private static final String[] ODD_CONSUMER_GROUPS = {"CID_RMQ_SYS_x", "no group", "TOOLS_CONSUMER", "", "cg|a|b",
        "x".repeat(120), "x".repeat(121), "%RETRY%cg_a", "cg.dot", "gr\u00fcn", "CID_RMQ_SYS_no group"};
    private static final String[] PRODUCER_GROUPS = {"pg_x", "pg_y", "cg_a"};
    private static final String[] ODD_PRODUCER_GROUPS = {"any name!", "", "pg|x", "x".repeat(300), "CLIENT_INNER_PRODUCER"};
    private static final String[] CLIENTS = {"c1", "c2", "c3", "c4", "c5", "c6"};
    private static final String[] ODD_CLIENTS = {"", " ", "y".repeat(300), "\u5ba2\u6237#\ud83d\ude00", "10.0.0.1@1#2"};
    private static final String[] TOPICS = {"t1", "t2", "t3", "t4", "t5", "t_order"};
    private static final String[] ODD_TOPICS = {"%RETRY%", "t ", "", "z".repeat(300), "T1"};
    private static final String[] TYPES = {"CONSUME_PASSIVELY", "CONSUME_ACTIVELY", "CONSUME_POP"};
    private static final String[] MODELS = {"CLUSTERING", "BROADCASTING"};
    private static final String[] PLACES = {"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
        "CONSUME_FROM_TIMESTAMP", "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
        "CONSUME_FROM_MIN_OFFSET", "CONSUME_FROM_MAX_OFFSET"};
    private static final String[] LANGUAGES = {"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER",
        "HTTP", "GO", "PHP", "OMS", "RUST", "NODE_JS"};
    private static final String[] EXPRESSIONS = {"*", "A", "B || C", "red", "A||", "\u00fc || \ud83d\ude00", ""};
    private static final String[] SQL = {"a > 1", "a IS NOT NULL AND b <> 'x'", "a BETWEEN 1 AND 5", "a >", "(a = 1",
        "a = 1 b", ""};
    private static final long[] VERSIONS = {Long.MIN_VALUE, -1, 0, 1, Long.MAX_VALUE};

    private final Random random;
    private final int seed;
    private final JSONObject header = new JSONObject();
    private final List<String> channels = new ArrayList<>();
    // The latest body of a channel, and the client that it usually is.
    private final Map<String, JSONObject> bodies = new HashMap<>();
    private final Map<String, String> clients = new HashMap<>();
    // Those that have been seen without a client id.
    private final List<String> nameless = new ArrayList<>();
    private final boolean isV2;
    private final boolean isOdd;
    private final boolean throwsUp;
    private final boolean lateHeartbeats;
    private final long expiry;
    private long version = 100;

    RandomTrace(int seed, String release) {
        this.seed = seed;
        random = new Random(seed);
        isV2 = chance(50);
        isOdd = chance(50);
        throwsUp = chance(25);
        lateHeartbeats = chance(40);
        expiry = one(new Long[] {120000L, 120000L, 90000L, 60000L, 130000L, 1L, 600000L});
        header.put("format", "client-manager-trace/1");
        header.put("rocketmq", release);
        header.put("name", String.format("random_%05d", seed));
        header.put("seed", seed);
        header.put("quirks", new JSONArray());
        JSONObject config = new JSONObject();
        config.put("channelExpiredTimeoutMs", expiry);
        config.put("producerChannelExpiredTimeoutMs", 120000);
        config.put("enablePropertyFilter", chance(70));
        config.put("rejectPullConsumerEnable", chance(30));
        boolean createsGroups = chance(70);
        config.put("autoCreateSubscriptionGroup", createsGroups);
        config.put("notifyConsumerIdsChangedEnable", chance(85));
        config.put("enableFastChannelEventProcess", chance(30));
        config.put("enableRegisterProducer", chance(80));
        config.put("rejectTransactionMessage", chance(40));
        JSONArray groups = new JSONArray();
        addConfig(groups, "cg_quiet", false, 1);
        addConfig(groups, "cg_b", true, 3);
        for (String group : CONSUMER_GROUPS) {
            if (chance(createsGroups ? 20 : 60) && !group.equals("cg_quiet") && !group.equals("cg_b")) {
                addConfig(groups, group, chance(80), random.nextInt(5));
            }
        }
        if (isOdd && chance(30)) {
            addConfig(groups, "TOOLS_CONSUMER", chance(50), 2);
        }
        config.put("subscriptionGroups", groups);
        JSONArray topics = new JSONArray();
        addTopic(topics, "t_order", chance(80));
        addTopic(topics, "t1", chance(10));
        if (isOdd && chance(30)) {
            addTopic(topics, "%RETRY%cg_a", chance(50));
        }
        config.put("topics", topics);
        header.put("config", config);
    }

    JSONObject header() {
        return header;
    }

    int length() {
        return 150 + seed % 50;
    }

    JSONObject next(Predicate<String> isOpen) {
        List<String> open = new ArrayList<>(channels);
        open.removeIf(isOpen.negate());
        if (open.size() < 2) {
            return open();
        }
        String channel = one(open.toArray(new String[0]));
        if (lateHeartbeats && chance(10)) {
            channel = one(channels.toArray(new String[0]));
        }
        int kind = random.nextInt(100);
        if (kind < 50) {
            return heartbeat(channel);
        } else if (kind < 59) {
            long[] steps = {0, 1, 1000, 5000, 25000, 55000, 100000, expiry / 3, expiry / 2, expiry, expiry + 1, 120000, 120001};
            return operation("advance").fluentPut("ms", steps[random.nextInt(steps.length)]);
        } else if (kind < 65) {
            return operation("scan");
        } else if (kind < 71) {
            return unregister(channel);
        } else if (kind < 75) {
            return operation("close_channel").fluentPut("channel", channel);
        } else if (kind < 81) {
            return open();
        } else if (kind < 84) {
            return check(channel);
        }
        return lookUp();
    }

    private JSONObject open() {
        String channel = "ch" + (channels.size() + 1);
        channels.add(channel);
        clients.put(channel, client());
        return operation("open_channel").fluentPut("channel", channel);
    }

    private JSONObject heartbeat(String channel) {
        JSONObject operation = operation("heartbeat").fluentPut("channel", channel)
            .fluentPut("language", chance(60) ? "JAVA" : one(LANGUAGES))
            .fluentPut("version", isOdd && chance(5) ? one(new Integer[] {0, -1, Integer.MAX_VALUE}) : 399 + random.nextInt(100));
        if (throwsUp && chance(6)) {
            spoilt(channel, operation);
            return operation;
        }
        JSONObject body = bodies.get(channel);
        boolean isSmall = nameless.contains(channel);
        if (body == null || isSmall || chance(40)) {
            body = body(channel, isSmall ? 1 : 3);
        } else {
            body = JSONObject.parseObject(body.toString());
            JSONArray consumers = body.getJSONArray("consumerDataSet");
            if (!consumers.isEmpty() && chance(20)) {
                consumers.remove(random.nextInt(consumers.size()));
            } else if (!consumers.isEmpty() && chance(25)) {
                String group = consumers.getJSONObject(random.nextInt(consumers.size())).getString("groupName");
                consumers.removeIf(consumer -> group.equals(((JSONObject) consumer).getString("groupName")));
                consumers.add(consumer(group));
            }
            if (chance(10)) {
                body.put("clientID", client());
            }
        }
        body.put("heartbeatFingerprint", isV2 && chance(60) ? one(new Integer[] {1, 2, -7, Integer.MIN_VALUE}) : 0);
        body.put("withoutSub", isV2 ? chance(35) : chance(3));
        bodies.put(channel, JSONObject.parseObject(body.toString()));
        if (body.getBooleanValue("withoutSub") && chance(80)) {
            for (Object consumer : body.getJSONArray("consumerDataSet")) {
                ((JSONObject) consumer).put("subscriptionDataSet", new JSONArray());
            }
        }
        if (isOdd && chance(10)) {
            body.put("unknown", new JSONObject().fluentPut("x", new JSONArray(1, "a", true)));
        }
        if (isOdd && chance(10)) {
            body.remove(one(new String[] {"heartbeatFingerprint", "withoutSub", "consumerDataSet", "producerDataSet"}));
        }
        return operation.fluentPut("body", body);
    }

    private JSONObject body(String channel, int most) {
        JSONObject body = new JSONObject();
        body.put("clientID", chance(95) ? clients.get(channel) : client());
        JSONArray producers = new JSONArray();
        for (String group : some(PRODUCER_GROUPS, ODD_PRODUCER_GROUPS, most)) {
            producers.add(new JSONObject().fluentPut("groupName", group));
        }
        if (isOdd && !producers.isEmpty() && chance(4)) {
            producers.add(producers.get(0));
        }
        body.put("producerDataSet", producers);
        JSONArray consumers = new JSONArray();
        for (String group : some(CONSUMER_GROUPS, ODD_CONSUMER_GROUPS, most)) {
            consumers.add(consumer(group));
        }
        if (isOdd && !consumers.isEmpty() && chance(4)) {
            consumers.add(consumers.getJSONObject(0).clone());
        }
        body.put("consumerDataSet", consumers);
        return body;
    }

    private JSONObject consumer(String group) {
        JSONObject consumer = new JSONObject();
        consumer.put("groupName", group);
        boolean isUsual = chance(85);
        consumer.put("consumeType", isUsual ? TYPES["cg_pull".equals(group) ? 1 : 0] : one(TYPES));
        consumer.put("messageModel", isUsual ? MODELS["cg_bcast".equals(group) ? 1 : 0] : one(MODELS));
        consumer.put("consumeFromWhere", isUsual ? PLACES[0] : PLACES[random.nextInt(isOdd ? 6 : 3)]);
        consumer.put("unitMode", chance(20));
        if (isOdd && chance(8)) {
            String key = one(new String[] {"consumeType", "messageModel", "consumeFromWhere"});
            switch (random.nextInt(5)) {
                case 0: consumer.put(key, null); break;
                case 1: consumer.put(key, "NO_SUCH_NAME"); break;
                case 2: consumer.put(key, consumer.getString(key).toLowerCase()); break;
                case 3: consumer.put(key, ""); break;
                default: consumer.remove(key); break;
            }
        }
        JSONArray subscriptions = new JSONArray();
        for (String topic : some(TOPICS, ODD_TOPICS, 3)) {
            subscriptions.add(subscription(topic));
            if (isOdd && chance(4)) {
                subscriptions.add(subscription(topic).fluentPut("subVersion", 50 + random.nextInt(200)));
            }
        }
        consumer.put("subscriptionDataSet", subscriptions);
        if (isOdd && chance(3)) {
            consumer.remove(one(new String[] {"unitMode", "subscriptionDataSet"}));
        }
        return consumer;
    }

    private JSONObject subscription(String topic) {
        boolean isTag = chance(70);
        String expression = one(isTag ? EXPRESSIONS : SQL);
        JSONArray tags = new JSONArray();
        JSONArray codes = new JSONArray();
        if (isTag && !expression.equals("*")) {
            for (String tag : expression.split("\\|\\|")) {
                if (!tag.isBlank()) {
                    tags.add(tag.trim());
                    codes.add(tag.trim().hashCode());
                }
            }
        }
        JSONObject subscription = new JSONObject();
        subscription.put("topic", topic);
        subscription.put("subString", expression);
        subscription.put("tagsSet", tags);
        subscription.put("codeSet", codes);
        subscription.put("subVersion", isOdd && chance(10) ? VERSIONS[random.nextInt(VERSIONS.length)]
            : version++ - random.nextInt(8));
        subscription.put("expressionType", isTag ? "TAG" : "SQL92");
        if (isOdd && chance(8)) {
            switch (random.nextInt(9)) {
                case 0: subscription.put("expressionType", null); break;
                case 1: subscription.remove("expressionType"); break;
                case 2: subscription.put("expressionType", "sql92"); break;
                case 3: subscription.put("expressionType", ""); break;
                case 4: subscription.put("subString", null); break;
                case 5: subscription.remove("subString"); break;
                case 6: subscription.remove("tagsSet"); break;
                case 7: subscription.put("classFilterMode", true); break;
                default: subscription.remove("codeSet"); break;
            }
        }
        return subscription;
    }

    /** A heartbeat that ends in an exception, or may. */
    private void spoilt(String channel, JSONObject operation) {
        JSONObject body = body(channel, 1).fluentPut("heartbeatFingerprint", isV2 && chance(50) ? 5 : 0)
            .fluentPut("withoutSub", isV2 && chance(50));
        JSONArray consumers = body.getJSONArray("consumerDataSet");
        JSONArray producers = body.getJSONArray("producerDataSet");
        switch (random.nextInt(10)) {
            case 0: body.put("consumerDataSet", null); break;
            case 1: body.put("producerDataSet", null); break;
            case 2:
            case 3:
                // A producer without an id would end a scan, whose groups have no order.
                producers.clear();
                nameless.add(channel);
                body.put("clientID", null);
                if (chance(50)) {
                    body.remove("clientID");
                }
                break;
            case 4: consumers.clear(); consumers.add(consumer(null)); break;
            case 5: producers.clear(); producers.add(new JSONObject().fluentPut("groupName", null)); break;
            case 6: consumers.clear(); consumers.add(consumer("cg_a").fluentPut("subscriptionDataSet", null)); break;
            case 7:
                consumers.clear();
                consumers.add(consumer("cg_b").fluentPut("subscriptionDataSet", new JSONArray(subscription(null))));
                break;
            case 8: producers.clear(); producers.add(new JSONObject()); break;
            default: operation.put("body", null); return;
        }
        operation.put("body", body);
    }

    private JSONObject unregister(String channel) {
        JSONObject operation = operation("unregister").fluentPut("channel", channel);
        if (!throwsUp || chance(95)) {
            operation.put("clientId", chance(85) ? clients.get(channel) : client());
        }
        JSONObject body = bodies.get(channel);
        if (chance(50)) {
            operation.put("producerGroup", group(body, "producerDataSet", PRODUCER_GROUPS, ODD_PRODUCER_GROUPS));
        }
        if (chance(65)) {
            operation.put("consumerGroup", group(body, "consumerDataSet", CONSUMER_GROUPS, ODD_CONSUMER_GROUPS));
        }
        return operation;
    }

    private String group(JSONObject body, String key, String[] usual, String[] odd) {
        JSONArray groups = body == null ? null : body.getJSONArray(key);
        return groups == null || groups.isEmpty() || chance(30) ? any(usual, odd)
            : groups.getJSONObject(random.nextInt(groups.size())).getString("groupName");
    }

    private JSONObject check(String channel) {
        JSONObject operation = operation("check_client_config").fluentPut("channel", channel)
            .fluentPut("clientId", clients.get(channel)).fluentPut("group", any(CONSUMER_GROUPS, ODD_CONSUMER_GROUPS));
        return operation.fluentPut("subscription", chance(95) ? subscription("t1") : null);
    }

    private JSONObject lookUp() {
        switch (random.nextInt(7)) {
            case 0:
                return operation("find_consumer_channel").fluentPut("group", any(CONSUMER_GROUPS, ODD_CONSUMER_GROUPS))
                    .fluentPut("clientId", client());
            case 1: return operation("find_producer_channel").fluentPut("clientId", client());
            case 2: return operation("query_topic_consume_by_who").fluentPut("topic", any(TOPICS, ODD_TOPICS));
            case 3:
                return operation("group_online").fluentPut("group",
                    chance(50) ? any(CONSUMER_GROUPS, ODD_CONSUMER_GROUPS) : any(PRODUCER_GROUPS, ODD_PRODUCER_GROUPS));
            case 4: return operation("consumer_list").fluentPut("group", any(CONSUMER_GROUPS, ODD_CONSUMER_GROUPS));
            default: return operation("snapshot");
        }
    }

    private String client() {
        return isOdd && chance(8) ? one(ODD_CLIENTS) : one(CLIENTS);
    }

    private String any(String[] usual, String[] odd) {
        return isOdd && chance(10) ? one(odd) : one(usual);
    }

    private List<String> some(String[] usual, String[] odd, int most) {
        List<String> chosen = new ArrayList<>();
        for (int i = random.nextInt(most + 1); i > 0; i--) {
            String name = any(usual, odd);
            if (!chosen.contains(name)) {
                chosen.add(name);
            }
        }
        return chosen;
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    private <T> T one(T[] values) {
        return values[random.nextInt(values.length)];
    }

    private static JSONObject operation(String op) {
        return new JSONObject().fluentPut("op", op);
    }

    private static void addConfig(JSONArray groups, String name, boolean isNotified, int queues) {
        groups.add(new JSONObject().fluentPut("groupName", name)
            .fluentPut("notifyConsumerIdsChangedEnable", isNotified).fluentPut("retryQueueNums", queues));
    }

    private static void addTopic(JSONArray topics, String name, boolean isOrdered) {
        topics.add(new JSONObject().fluentPut("topic", name).fluentPut("readQueueNums", 4)
            .fluentPut("writeQueueNums", 4).fluentPut("perm", 6).fluentPut("topicSysFlag", 0).fluentPut("order", isOrdered));
    }
}
