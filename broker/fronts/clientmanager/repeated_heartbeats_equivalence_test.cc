// Of two brokers that get the same frames, one reads each of them again, the
// other lets repeated heartbeats be: nothing may ever tell them apart.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/fronts/clientmanager/client_request_handler.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/fronts/edge_counters.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "common/client_network.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/payer_rates.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int kStreams = 4;
constexpr int kSeeds = 30;
constexpr int kSteps = 400;

BrokerCore::Options WithAnOrderedTopic() {
  BrokerCore::Options options;
  options.policy.reject_pull_consumer_enable = true;
  TopicConfig& topic = options.policy.topics.emplace_back();
  topic.topic = "ordered";
  topic.order = true;
  return options;
}

class World {
 public:
  explicit World(bool repeats) : repeats_(repeats) {
    front_.AddMethods(&methods_);
    for (int i = 0; i < kStreams; ++i) Reopen(i);
  }

  void Reopen(int stream) {
    Stream& it = streams_[stream];
    if (it.client.is_bound()) {
      housekeeping_.OnChannelClose(*it.channel, RemovalReason::kDisconnected,
                                   now_);
    }
    it = Stream();
    it.channel = std::make_shared<FakeClientChannel>();
  }

  // Ticks when it is due, so that what is silent expires.
  void Advance(absl::Duration duration) {
    const absl::Time end = now_ + duration;
    while (housekeeping_.NextTick() <= end) {
      now_ = housekeeping_.NextTick();
      housekeeping_.Tick(now_);
    }
    now_ = end;
  }

  // What is answered, but for the token.
  std::string Send(int stream, pb::ClientFrame frame) {
    Stream& it = streams_[stream];
    const bool is_light = frame.heartbeat().statement_token() != 0;
    if (is_light) frame.mutable_heartbeat()->set_statement_token(it.token);
    const std::string bytes = frame.SerializeAsString();
    pb::Reply reply;
    if (repeats_ && front_.HandleRepeatedHeartbeat(*it.channel, bytes, now_,
                                                   it.client, &reply)) {
      ++repeated_;
    } else {
      const CallContext connect = {
          *front_.connect().descriptor, {"peer", kNoIpNetwork, ""}, {}, now_};
      EXPECT_TRUE(front_
                      .HandleFrame(connect, *it.channel, frame, bytes,
                                   &it.client, &reply)
                      .ok());
    }
    if (reply.has_heartbeat() && !is_light) {
      const uint64_t token = reply.heartbeat().statement_token();
      // One that is never valid stands for none.
      it.token = token == 0 ? ~uint64_t{0} : token;
      reply.mutable_heartbeat()->set_statement_token(token == 0 ? 0 : 1);
    }
    return reply.DebugString();
  }

  // All that can be asked of it, and what it has told since the last call.
  std::string Describe() {
    std::string text;
    for (const ConsumerGroupInfo& group : table_.ListConsumerGroups("", 100)) {
      absl::StrAppend(&text, group.group, " ", group.modes.message_model, ":");
      for (const auto& [topic, subscription] : *group.subscriptions) {
        absl::StrAppend(&text, " ", topic, "=", subscription.expression, "@",
                        subscription.sub_version);
      }
      AppendMembers(GroupKind::kConsumer, group.group, &text);
    }
    for (const ProducerGroupInfo& group : table_.ListProducerGroups("", 100)) {
      absl::StrAppend(&text, group.group);
      AppendMembers(GroupKind::kProducer, group.group, &text);
    }
    for (const TopicConfig& topic : policy_.ListTopics("", 100)) {
      absl::StrAppend(&text, topic.topic, topic.order ? " ordered\n" : "\n");
    }
    for (const std::string& event : listener_.TakeDescribed()) {
      absl::StrAppend(&text, event, "\n");
    }
    for (const Stream& stream : streams_) {
      std::vector<std::string> pushes = stream.channel->TakePushes();
      // Of one flush they come in any order.
      std::sort(pushes.begin(), pushes.end());
      for (const std::string& group : pushes) {
        absl::StrAppend(&text, "push ", group, "\n");
      }
      absl::StrAppend(&text, stream.channel->ends().size(), " ends\n");
    }
    return text;
  }

  int repeated() const { return repeated_; }

 private:
  struct Stream {
    FakeClientChannelPtr channel;
    StreamClient client;
    uint64_t token = ~uint64_t{0};
  };

  void AppendMembers(GroupKind kind, const std::string& group,
                     std::string* text) {
    MemberCursor cursor = 0;
    for (const MemberInfo& member :
         table_.ListMembers(kind, group, 100, &cursor)) {
      absl::StrAppend(text, " [", member.client_id, " ", member.version, " ",
                      absl::FormatDuration(now_ - member.last_heard), "]");
    }
    absl::StrAppend(text, "\n");
  }

  const bool repeats_;
  int repeated_ = 0;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  AllowAllAuthorizer authorizer_;
  EdgeCounters counters_;
  PayerRates rates_{{0, 0, 0}};
  Gate gate_{&authorizer_, CallStatus()};
  MethodTable methods_{&gate_, &rates_, &counters_.calls};
  RecordingListener listener_;
  BrokerCore core_{WithAnOrderedTopic(), {&listener_}, now_};
  ClientTable& table_ = core_.table();
  GroupPolicy& policy_ = core_.policy();
  Housekeeping& housekeeping_ = core_.housekeeping();
  ClientManageProcessor& processor_ = core_.processor();
  ClientRequestHandler front_{
      {{}, Limits(), absl::InfinitePast(), table_, processor_, counters_}};
  std::array<Stream, kStreams> streams_;
};

class Frames {
 public:
  explicit Frames(uint32_t seed) : random_(seed) {}

  int Below(int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(random_);
  }

  // Of few kinds, so that many repeat what was stated before.
  pb::ClientFrame Next(int stream) {
    pb::ClientFrame frame;
    frame.set_request_id(++request_id_);
    const int kind = Below(20);
    if (kind == 0) {
      frame.mutable_unregister_client()->set_consumer_group(Group());
      return frame;
    }
    pb::HeartbeatRequest& heartbeat = *frame.mutable_heartbeat();
    heartbeat.set_client_id(absl::StrCat("c", stream / 2));
    if (kind < 4) {
      heartbeat.set_statement_token(1);
      return frame;
    }
    if (kind < 17 && !last_[stream].empty()) {
      heartbeat.ParseFromString(last_[stream]);
      return frame;
    }
    heartbeat.set_incarnation(Below(2));
    heartbeat.set_version(Below(2));
    if (Below(4) == 0) {
      heartbeat.mutable_requested_channel_expiry()->set_seconds(10 +
                                                                100 * Below(2));
    }
    if (Below(2) == 0) heartbeat.add_producers()->set_group("p");
    pb::ConsumerData& consumer = *heartbeat.add_consumers();
    consumer.set_group(Group());
    consumer.set_message_model(Below(6) == 0 ? pb::MESSAGE_MODEL_BROADCASTING
                                             : pb::MESSAGE_MODEL_CLUSTERING);
    if (Below(8) == 0)
      consumer.set_consume_type(pb::CONSUME_TYPE_CONSUME_ACTIVELY);
    for (const char* topic : {"t", "ordered", "%RETRY%g0"}) {
      if (Below(4) != 0) continue;
      pb::SubscriptionData& subscription = *consumer.add_subscriptions();
      subscription.set_topic(topic);
      subscription.set_sub_version(Below(3));
      subscription.set_expression(absl::StrCat("tag", Below(2)));
    }
    last_[stream] = heartbeat.SerializeAsString();
    return frame;
  }

 private:
  std::string Group() { return absl::StrCat("g", Below(2)); }

  std::mt19937 random_;
  uint64_t request_id_ = 0;
  std::array<std::string, kStreams> last_;
};

TEST(RepeatedHeartbeatTest, NothingTellsWhetherARepeatedHeartbeatWasReadAgain) {
  int repeated = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    World reads(/*repeats=*/false);
    World repeats(/*repeats=*/true);
    Frames frames(seed);
    for (int step = 0; step < kSteps; ++step) {
      const int stream = frames.Below(kStreams);
      const absl::Duration wait = absl::Seconds(frames.Below(20));
      reads.Advance(wait);
      repeats.Advance(wait);
      if (frames.Below(40) == 0) {
        reads.Reopen(stream);
        repeats.Reopen(stream);
      }
      const pb::ClientFrame frame = frames.Next(stream);
      ASSERT_EQ(repeats.Send(stream, frame), reads.Send(stream, frame))
          << "seed " << seed << ", step " << step << ": "
          << frame.DebugString();
      ASSERT_EQ(repeats.Describe(), reads.Describe())
          << "seed " << seed << ", step " << step << ": "
          << frame.DebugString();
    }
    repeated += repeats.repeated();
  }
  // Or it would show nothing.
  EXPECT_GT(repeated, kSeeds * kSteps / 20);
}

}  // namespace
}  // namespace rmq
