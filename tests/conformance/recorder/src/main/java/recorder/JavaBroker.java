package recorder;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import com.alibaba.fastjson2.JSONWriter;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultChannelId;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Collectors;
import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.broker.client.ClientChannelInfo;
import org.apache.rocketmq.broker.client.ClientHousekeepingService;
import org.apache.rocketmq.broker.client.ConsumerGroupEvent;
import org.apache.rocketmq.broker.client.ConsumerGroupInfo;
import org.apache.rocketmq.broker.client.ConsumerIdsChangeListener;
import org.apache.rocketmq.broker.client.ProducerGroupEvent;
import org.apache.rocketmq.broker.processor.ClientManageProcessor;
import org.apache.rocketmq.broker.processor.ConsumerManageProcessor;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyRemotingServer;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.heartbeat.SubscriptionData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/**
 * RocketMQ's real broker controller, not started: requests are put to its processors by
 * channels that are in this process, time is Clock's. Carries out the operations of a
 * trace, one after the other, and says what could be seen of each.
 */
final class JavaBroker {
    // "ch2" before "ch10".
    private static final Comparator<String> BY_NUMBER =
        Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());
    private static final NettyRemotingServer SERVER = new NettyRemotingServer(new NettyServerConfig());
    private static final NettyClientConfig CLIENT_CONFIG = new NettyClientConfig();

    private final Controller controller;
    private final ConsumerManageProcessor consumerManageProcessor;
    private final Set<String> builtInGroups;
    private final Set<String> initialTopics;
    private final Map<String, EmbeddedChannel> channels = new TreeMap<>(BY_NUMBER);
    private final Map<String, ChannelHandlerContext> contexts = new TreeMap<>();
    private final Map<Channel, String> names = new IdentityHashMap<>();
    private final Set<String> open = new TreeSet<>(BY_NUMBER);
    private JSONArray events = new JSONArray();

    JavaBroker(JSONObject config, Path store) {
        BrokerConfig broker = new BrokerConfig();
        broker.setChannelExpiredTimeout(config.getLongValue("channelExpiredTimeoutMs"));
        broker.setEnablePropertyFilter(config.getBooleanValue("enablePropertyFilter"));
        broker.setRejectPullConsumerEnable(config.getBooleanValue("rejectPullConsumerEnable"));
        broker.setAutoCreateSubscriptionGroup(config.getBooleanValue("autoCreateSubscriptionGroup"));
        broker.setNotifyConsumerIdsChangedEnable(config.getBooleanValue("notifyConsumerIdsChangedEnable"));
        broker.setEnableFastChannelEventProcess(config.getBooleanValue("enableFastChannelEventProcess"));
        broker.setEnableRegisterProducer(config.getBooleanValue("enableRegisterProducer"));
        broker.setRejectTransactionMessage(config.getBooleanValue("rejectTransactionMessage"));
        MessageStoreConfig messageStore = new MessageStoreConfig();
        messageStore.setStorePathRootDir(store.toString());
        controller = new Controller(broker, messageStore);
        controller.setRemotingServer(SERVER);
        consumerManageProcessor = new ConsumerManageProcessor(controller);
        builtInGroups = Set.copyOf(controller.getSubscriptionGroupManager().getSubscriptionGroupTable().keySet());
        for (JSONObject stated : objects(config, "subscriptionGroups")) {
            SubscriptionGroupConfig group = new SubscriptionGroupConfig();
            group.setGroupName(stated.getString("groupName"));
            group.setNotifyConsumerIdsChangedEnable(stated.getBooleanValue("notifyConsumerIdsChangedEnable"));
            group.setRetryQueueNums(stated.getIntValue("retryQueueNums"));
            controller.getSubscriptionGroupManager().getSubscriptionGroupTable().put(group.getGroupName(), group);
        }
        for (JSONObject stated : objects(config, "topics")) {
            TopicConfig topic = new TopicConfig(stated.getString("topic"), stated.getIntValue("readQueueNums"),
                stated.getIntValue("writeQueueNums"), stated.getIntValue("perm"));
            topic.setTopicSysFlag(stated.getIntValue("topicSysFlag"));
            topic.setOrder(stated.getBooleanValue("order"));
            controller.getTopicConfigManager().putTopicConfig(topic);
        }
        initialTopics = Set.copyOf(controller.getTopicConfigManager().getTopicConfigTable().keySet());
        listen();
    }

    /** The release of RocketMQ whose broker this is, "5.5.1". */
    static String release() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = BrokerController.class.getClassLoader()
            .getResourceAsStream("META-INF/maven/org.apache.rocketmq/rocketmq-broker/pom.properties")) {
            properties.load(in);
        }
        return properties.getProperty("version");
    }

    /** Ends the controller's threads. */
    void close() {
        controller.close();
    }

    /** Whether a channel of that name has been opened and not closed. */
    boolean isOpen(String channel) {
        return open.contains(channel);
    }

    JSONObject apply(JSONObject operation) {
        events = new JSONArray();
        Set<String> wereOpen = new TreeSet<>(BY_NUMBER);
        wereOpen.addAll(open);
        String op = operation.getString("op");
        String name = operation.getString("channel");
        JSONObject expect = new JSONObject();
        switch (op) {
            case "open_channel":
                openChannel(name);
                return expect;
            case "advance":
                Clock.advance(operation.getLongValue("ms"));
                return expect;
            case "heartbeat": {
                RemotingCommand request = request(RequestCode.HEART_BEAT, operation.get("body"));
                request.setLanguage(LanguageCode.valueOf(operation.getString("language")));
                request.setVersion(operation.getIntValue("version"));
                answer(expect, name, request);
                break;
            }
            case "unregister": {
                RemotingCommand request = request(RequestCode.UNREGISTER_CLIENT, null);
                HashMap<String, String> fields = new HashMap<>();
                putIfPresent(fields, "clientID", operation.getString("clientId"));
                putIfPresent(fields, "producerGroup", operation.getString("producerGroup"));
                putIfPresent(fields, "consumerGroup", operation.getString("consumerGroup"));
                request.setExtFields(fields);
                answer(expect, name, request);
                break;
            }
            case "check_client_config": {
                JSONObject body = new JSONObject();
                body.put("clientId", operation.get("clientId"));
                body.put("group", operation.get("group"));
                body.put("subscriptionData", operation.get("subscription"));
                answer(expect, name,
                    request(RequestCode.CHECK_CLIENT_CONFIG, body));
                break;
            }
            case "close_channel":
                // By the client: the broker has not closed it.
                wereOpen.remove(name);
                if (open.remove(name)) {
                    channels.get(name).close();
                    onClose(name);
                }
                break;
            case "scan":
                scan();
                break;
            default:
                lookUp(operation, expect);
                return expect;
        }
        expect.put("pushes", pushes());
        expect.put("events", events);
        for (Map.Entry<String, EmbeddedChannel> entry : channels.entrySet()) {
            if (!entry.getValue().isOpen()) {
                open.remove(entry.getKey());
            }
        }
        wereOpen.removeAll(open);
        expect.put("closed", new JSONArray(wereOpen));
        return expect;
    }

    // --- Operations ---

    private void openChannel(String name) {
        EmbeddedChannel channel =
            new EmbeddedChannel(DefaultChannelId.newInstance(), new ChannelInboundHandlerAdapter());
        channels.put(name, channel);
        contexts.put(name, channel.pipeline().firstContext());
        names.put(channel, name);
        open.add(name);
        controller.getClientHousekeepingService().onChannelConnect(name, channel);
    }

    private static RemotingCommand request(int code, Object body) {
        RemotingCommand request = RemotingCommand.createRequestCommand(code, null);
        if (body != null) {
            request.setBody(JSON.toJSONString(body, JSONWriter.Feature.WriteNulls).getBytes(StandardCharsets.UTF_8));
        }
        return request;
    }

    private void answer(JSONObject expect, String channel, RemotingCommand request) {
        int code = ResponseCode.SYSTEM_ERROR;
        String remark = null;
        Map<String, String> ext = null;
        String exception = null;
        try {
            RemotingCommand response =
                controller.clientManageProcessor().processRequest(contexts.get(channel), request);
            code = response.getCode();
            remark = response.getRemark();
            ext = response.getExtFields();
        } catch (Exception e) {
            exception = e.getClass().getName();
        }
        expect.put("code", code);
        expect.put("codeName", codeName(code));
        expect.put("remark", remark);
        expect.put("ext", ext == null ? new JSONObject() : new JSONObject(new TreeMap<>(ext)));
        if (exception != null) {
            expect.put("exception", exception);
        }
    }

    private static String codeName(int code) {
        return code == ResponseCode.SUCCESS ? "SUCCESS"
            : code == ResponseCode.SYSTEM_ERROR ? "SYSTEM_ERROR"
            : code == ResponseCode.SUBSCRIPTION_PARSE_FAILED ? "SUBSCRIPTION_PARSE_FAILED" : "" + code;
    }

    private void onClose(String channel) {
        try {
            controller.getClientHousekeepingService().onChannelClose(channel, channels.get(channel));
        } catch (RuntimeException e) {
            // As the remoting layer's event thread has it: it is logged.
        }
    }

    private void scan() {
        try {
            Method scan = ClientHousekeepingService.class.getDeclaredMethod("scanExceptionChannel");
            scan.setAccessible(true);
            scan.invoke(controller.getClientHousekeepingService());
        } catch (java.lang.reflect.InvocationTargetException e) {
            // As the service's thread has it: it is logged.
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
        sortLeavesInARow(events);
        for (Map.Entry<String, EmbeddedChannel> entry : channels.entrySet()) {
            if (open.contains(entry.getKey()) && !entry.getValue().isOpen()) {
                onClose(entry.getKey());
            }
        }
    }

    private void lookUp(JSONObject operation, JSONObject expect) {
        String group = operation.getString("group");
        switch (operation.getString("op")) {
            case "find_consumer_channel": {
                TreeSet<String> right = new TreeSet<>(BY_NUMBER);
                ConsumerGroupInfo info = controller.getConsumerManager().getConsumerGroupInfo(group);
                if (info != null) {
                    info.getChannelInfoTable().forEach((channel, client) -> {
                        if (Objects.equals(client.getClientId(), operation.getString("clientId"))) {
                            right.add(names.get(channel));
                        }
                    });
                }
                ClientChannelInfo found;
                try {
                    found = controller.getConsumerManager().findChannel(group, operation.getString("clientId"));
                } catch (NullPointerException e) {
                    // It came to a client without an id before it found the right one.
                    expect.put("anyOf", new JSONArray(right));
                    break;
                }
                if (found == null ? !right.isEmpty() : !right.contains(names.get(found.getChannel()))) {
                    throw new IllegalStateException("findChannel is not as the table: " + operation);
                }
                expect.put("anyOf", new JSONArray(right));
                break;
            }
            case "find_producer_channel":
                expect.put("channel",
                    names.get(controller.getProducerManager().findChannel(operation.getString("clientId"))));
                break;
            case "query_topic_consume_by_who":
                expect.put("groups", new JSONArray(new TreeSet<>(
                    controller.getConsumerManager().queryTopicConsumeByWho(operation.getString("topic")))));
                break;
            case "group_online":
                expect.put("producer", controller.getProducerManager().groupOnline(group));
                expect.put("consumer", controller.getConsumerManager().getConsumerGroupInfo(group) != null);
                break;
            case "consumer_list": {
                RemotingCommand request = request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, null);
                HashMap<String, String> fields = new HashMap<>();
                putIfPresent(fields, "consumerGroup", group);
                request.setExtFields(fields);
                try {
                    RemotingCommand response =
                        consumerManageProcessor.processRequest(
                            new EmbeddedChannel(new ChannelInboundHandlerAdapter()).pipeline().firstContext(), request);
                    expect.put("code", response.getCode());
                    expect.put("codeName", codeName(response.getCode()));
                    expect.put("remark", response.getRemark());
                    JSONArray ids = response.getBody() == null ? new JSONArray()
                        : JSON.parseObject(response.getBody()).getJSONArray("consumerIdList");
                    ids.sort(Comparator.comparing(String::valueOf));
                    expect.put("clientIds", ids);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                break;
            }
            case "snapshot":
                snapshot(expect);
                break;
            default:
                throw new IllegalArgumentException("unknown operation: " + operation);
        }
    }

    private void snapshot(JSONObject expect) {
        JSONArray consumerGroups = new JSONArray();
        new TreeMap<>(controller.getConsumerManager().getConsumerTable()).forEach((name, info) -> {
            JSONObject group = new JSONObject();
            group.put("group", name);
            group.put("consumeType", name(info.getConsumeType()));
            group.put("messageModel", name(info.getMessageModel()));
            group.put("consumeFromWhere", name(info.getConsumeFromWhere()));
            group.put("connections", connections(info.getChannelInfoTable()));
            JSONArray subscriptions = new JSONArray();
            new TreeMap<>(info.getSubscriptionTable()).forEach((topic, data) -> {
                JSONObject subscription = new JSONObject();
                subscription.put("topic", data.getTopic());
                subscription.put("subString", data.getSubString());
                subscription.put("tagsSet", data.getTagsSet() == null ? null : new TreeSet<>(data.getTagsSet()));
                subscription.put("codeSet", data.getCodeSet() == null ? null : new TreeSet<>(data.getCodeSet()));
                subscription.put("subVersion", data.getSubVersion());
                subscription.put("expressionType", data.getExpressionType());
                subscriptions.add(subscription);
            });
            group.put("subscriptions", subscriptions);
            consumerGroups.add(group);
        });
        expect.put("consumerGroups", consumerGroups);
        JSONArray producerGroups = new JSONArray();
        new TreeMap<>(controller.getProducerManager().getGroupChannelTable()).forEach((name, table) -> {
            JSONObject group = new JSONObject();
            group.put("group", name);
            group.put("connections", connections(table));
            producerGroups.add(group);
        });
        expect.put("producerGroups", producerGroups);
        JSONArray topics = new JSONArray();
        new TreeMap<>(controller.getTopicConfigManager().getTopicConfigTable()).forEach((name, config) -> {
            if (initialTopics.contains(name)) {
                return;
            }
            JSONObject topic = new JSONObject();
            topic.put("topic", name);
            topic.put("readQueueNums", config.getReadQueueNums());
            topic.put("writeQueueNums", config.getWriteQueueNums());
            topic.put("perm", config.getPerm());
            topic.put("topicSysFlag", config.getTopicSysFlag());
            topic.put("order", config.isOrder());
            topics.add(topic);
        });
        expect.put("topics", topics);
        Set<String> configs =
            new TreeSet<>(controller.getSubscriptionGroupManager().getSubscriptionGroupTable().keySet());
        configs.removeAll(builtInGroups);
        expect.put("subscriptionGroups", new JSONArray(configs));
    }

    private JSONArray connections(ConcurrentMap<Channel, ClientChannelInfo> table) {
        TreeMap<String, JSONObject> sorted = new TreeMap<>(BY_NUMBER);
        table.forEach((channel, info) -> {
            JSONObject connection = new JSONObject();
            connection.put("channel", names.get(channel));
            connection.put("clientId", info.getClientId());
            connection.put("language", name(info.getLanguage()));
            connection.put("version", info.getVersion());
            connection.put("idleMs", Clock.currentTimeMillis() - info.getLastUpdateTimestamp());
            sorted.put(names.get(channel), connection);
        });
        return new JSONArray(sorted.values());
    }

    // --- Pushes and events ---

    private JSONArray pushes() {
        List<String[]> pushes = new ArrayList<>();
        channels.forEach((name, channel) -> {
            for (Object out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                RemotingCommand push = (RemotingCommand) out;
                if (push.getCode() != RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) {
                    throw new IllegalStateException("unexpected push " + push);
                }
                push.makeCustomHeaderToNet();
                pushes.add(new String[] {name, push.getExtFields().get("consumerGroup")});
            }
        });
        pushes.sort(Comparator.comparing((String[] push) -> push[1]).thenComparing(push -> push[0], BY_NUMBER));
        JSONArray json = new JSONArray();
        for (String[] push : pushes) {
            json.add(new JSONObject().fluentPut("channel", push[0]).fluentPut("group", push[1]));
        }
        return json;
    }

    private void listen() {
        controller.getConsumerManager().appendConsumerIdsChangeListener(new ConsumerIdsChangeListener() {
            @Override
            public void handle(ConsumerGroupEvent type, String group, Object... args) {
                JSONObject event = event("consumer", type, group);
                switch (type) {
                    case CLIENT_REGISTER:
                    case CLIENT_UNREGISTER:
                        putClient(event, (ClientChannelInfo) args[0]);
                        event.put("topics", sorted((Collection<?>) args[1]));
                        break;
                    case REGISTER:
                        putClient(event, (ClientChannelInfo) args[1]);
                        event.put("topics", sorted(((Collection<?>) args[0]).stream()
                            .map(data -> ((SubscriptionData) data).getTopic()).collect(Collectors.toSet())));
                        break;
                    case CHANGE:
                        event.put("channels", ((Collection<?>) args[0]).stream()
                            .map(channel -> names.get((Channel) channel)).sorted(BY_NUMBER)
                            .collect(Collectors.toCollection(JSONArray::new)));
                        break;
                    default:
                        break;
                }
            }

            @Override
            public void shutdown() {
            }
        });
        controller.getProducerManager().appendProducerChangeListener((type, group, client) -> {
            JSONObject event = event("producer", type, group);
            if (type == ProducerGroupEvent.CLIENT_UNREGISTER) {
                putClient(event, client);
            }
        });
    }

    private JSONObject event(String kind, Enum<?> type, String group) {
        JSONObject event = new JSONObject();
        event.put("kind", kind);
        event.put("type", type.name());
        event.put("group", group);
        events.add(event);
        return event;
    }

    /** What several channels that leave a group in a row are told of has no order: by channel. */
    private static void sortLeavesInARow(JSONArray events) {
        for (int first = 0, last; first < events.size(); first = last) {
            JSONObject leave = events.getJSONObject(first);
            for (last = first + 1; last < events.size() && isLeaveOf(leave, events.getJSONObject(last)); last++) {
            }
            events.subList(first, last).sort(
                Comparator.comparing(event -> ((JSONObject) event).getString("channel"), Comparator.nullsFirst(BY_NUMBER)));
        }
    }

    private static boolean isLeaveOf(JSONObject leave, JSONObject event) {
        return leave.getString("type").equals("CLIENT_UNREGISTER") && event.get("type").equals("CLIENT_UNREGISTER")
            && event.get("kind").equals(leave.get("kind")) && event.get("group").equals(leave.get("group"));
    }

    private void putClient(JSONObject event, ClientChannelInfo client) {
        event.put("clientId", client.getClientId());
        event.put("channel", names.get(client.getChannel()));
    }

    private static JSONArray sorted(Collection<?> strings) {
        return new JSONArray(strings.stream().map(text -> (String) text)
            .sorted(Comparator.nullsFirst(Comparator.naturalOrder())).collect(Collectors.toList()));
    }

    private static String name(Enum<?> value) {
        return value == null ? null : value.name();
    }

    private static void putIfPresent(Map<String, String> fields, String key, String value) {
        if (value != null) {
            fields.put(key, value);
        }
    }

    static List<JSONObject> objects(JSONObject json, String key) {
        JSONArray array = json.getJSONArray(key);
        return array == null ? List.of() : array.toList(JSONObject.class);
    }

    private static final class Controller extends BrokerController {
        Controller(BrokerConfig broker, MessageStoreConfig messageStore) {
            super(broker, new NettyServerConfig(), CLIENT_CONFIG, messageStore);
        }

        ClientManageProcessor clientManageProcessor() {
            return clientManageProcessor;
        }

        void close() {
            clientHousekeepingService.shutdown();
            consumerIdsChangeListener.shutdown();
        }

        @Override
        public synchronized void registerIncrementBrokerData(TopicConfig topic, DataVersion version) {
            // There is no name server.
        }
    }
}
