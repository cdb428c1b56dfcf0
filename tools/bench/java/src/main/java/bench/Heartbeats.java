package bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.apache.rocketmq.common.MQVersion;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.filter.ExpressionType;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.filter.FilterAPI;
import org.apache.rocketmq.remoting.protocol.heartbeat.ConsumeType;
import org.apache.rocketmq.remoting.protocol.heartbeat.ConsumerData;
import org.apache.rocketmq.remoting.protocol.heartbeat.HeartbeatData;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.heartbeat.ProducerData;
import org.apache.rocketmq.remoting.protocol.heartbeat.SubscriptionData;

/**
 * What a client sends, as RocketMQ's Java client has it and with the ids, groups and
 * subscriptions of tools/loadgen: whole frames, made once and sent often.
 */
final class Heartbeats {
    private static final int SUBSCRIPTIONS = 2;

    /** Of a client's first heartbeat, which registers it. */
    final ByteBuf first;
    /** Of each later one. */
    final ByteBuf next;

    /**
     * Full ones have no fingerprint, which is RocketMQ's first version. Light ones are
     * its second: the first states the subscriptions and their fingerprint, the next ones
     * the fingerprint only.
     */
    Heartbeats(int client, int groups, boolean light) throws Exception {
        HeartbeatData stated = statement(client, groups, true);
        if (!light) {
            first = frame(stated);
            next = first;
            return;
        }
        int fingerprint = stated.computeHeartbeatFingerprint();
        stated.setHeartbeatFingerprint(fingerprint);
        HeartbeatData unchanged = statement(client, groups, false);
        unchanged.setHeartbeatFingerprint(fingerprint);
        first = frame(stated);
        next = frame(unchanged);
    }

    private static HeartbeatData statement(int client, int groups, boolean withSubscriptions) throws Exception {
        int group = client % groups;
        ProducerData producer = new ProducerData();
        producer.setGroupName(String.format("producer-group-%05d", group));
        ConsumerData consumer = new ConsumerData();
        consumer.setGroupName(String.format("consumer-group-%05d", group));
        consumer.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
        consumer.setMessageModel(MessageModel.CLUSTERING);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        for (int i = 0; withSubscriptions && i < SUBSCRIPTIONS; ++i) {
            SubscriptionData subscription =
                FilterAPI.build(String.format("topic-%05d-%d", group, i), "tagA || tagB", ExpressionType.TAG);
            subscription.setSubVersion(1);
            consumer.getSubscriptionDataSet().add(subscription);
        }
        HeartbeatData heartbeat = new HeartbeatData();
        heartbeat.setClientID(String.format("loadgen@%024d", client));
        heartbeat.getProducerDataSet().add(producer);
        heartbeat.getConsumerDataSet().add(consumer);
        heartbeat.setWithoutSub(!withSubscriptions);
        return heartbeat;
    }

    private static ByteBuf frame(HeartbeatData heartbeat) {
        RemotingCommand command = RemotingCommand.createRequestCommand(RequestCode.HEART_BEAT, null);
        command.setVersion(MQVersion.CURRENT_VERSION);
        command.setBody(heartbeat.encode());
        ByteBuffer bytes = command.encode();
        return Unpooled.unreleasableBuffer(Unpooled.directBuffer(bytes.remaining()).writeBytes(bytes));
    }
}
