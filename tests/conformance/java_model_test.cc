// Rules of Java that the recordings do not show, or that are easily lost, and
// the switches that change them.
#include "tests/conformance/java_model.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace rmq::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename Message>
Message FromJson(absl::string_view json) {
  Message message;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(std::string(json), &message)
          .ok())
      << json;
  return message;
}

Config DefaultConfig() {
  return FromJson<Config>(
      R"({"channelExpiredTimeoutMs":120000,
          "producerChannelExpiredTimeoutMs":120000,
          "autoCreateSubscriptionGroup":true,
          "notifyConsumerIdsChangedEnable":true})");
}

Switches Only(Switch which) {
  return Switches().set(static_cast<size_t>(which));
}

// A model with two open channels, and requests in short.
class Script {
 public:
  explicit Script(Switches switches, const Config& config = DefaultConfig())
      : model_(config, switches) {
    Do(R"({"op":"open_channel","channel":"ch1"})");
    Do(R"({"op":"open_channel","channel":"ch2"})");
  }

  Outcome Do(absl::string_view json) {
    return model_.Apply(FromJson<Operation>(json));
  }
  // Of client c1, with the groups' JSON.
  Outcome Heartbeat(absl::string_view channel, absl::string_view consumers,
                    absl::string_view producers = "",
                    absl::string_view more = "") {
    return Do(absl::StrCat(R"({"op":"heartbeat","channel":")", channel,
                           R"(","body":{"clientID":"c1","consumerDataSet":[)",
                           consumers, R"(],"producerDataSet":[)", producers,
                           "]", more, "}}"));
  }
  Outcome Close(absl::string_view channel) {
    return Do(
        absl::StrCat(R"({"op":"close_channel","channel":")", channel, R"("})"));
  }
  Outcome AdvanceAndScan(int ms) {
    Do(absl::StrCat(R"({"op":"advance","ms":)", ms, "}"));
    return Do(R"({"op":"scan"})");
  }
  std::vector<std::string> ConsumerGroups() {
    std::vector<std::string> names;
    const Outcome snapshot = Do(R"({"op":"snapshot"})");
    for (const ConsumerGroup& group : snapshot.consumer_groups()) {
      names.push_back(group.group());
    }
    return names;
  }

 private:
  JavaModel model_;
};

constexpr char kGroupA[] =
    R"({"groupName":"cg_a","messageModel":"CLUSTERING"})";
constexpr char kGroupB[] =
    R"({"groupName":"cg_b","messageModel":"BROADCASTING"})";

std::vector<std::string> TypesOf(const Outcome& outcome) {
  std::vector<std::string> types;
  for (const Event& event : outcome.events()) types.push_back(event.type());
  return types;
}

TEST(JavaModelTest, NullProducersEndInAnExceptionAfterTheConsumersCounted) {
  Script java{Switches()};
  const Outcome outcome =
      java.Heartbeat("ch1", kGroupA, "", R"(,"nullProducers":true)");
  EXPECT_EQ(outcome.exception(), "java.lang.NullPointerException");
  EXPECT_THAT(java.ConsumerGroups(), ElementsAre("cg_a"));
}

TEST(JavaModelTest, EdgeRefusesNullProducersBeforeAnythingCounts) {
  Script ours(Only(Switch::kEdgeRefusesBadForm));
  EXPECT_EQ(
      ours.Heartbeat("ch1", kGroupA, "", R"(,"nullProducers":true)").refused(),
      "form");
  EXPECT_THAT(ours.ConsumerGroups(), IsEmpty());
}

TEST(JavaModelTest, NullClientIdCountsOnceAndThrowsTheSecondTime) {
  Script java{Switches()};
  const std::string heartbeat = absl::StrCat(
      R"({"op":"heartbeat","channel":"ch1","body":{"consumerDataSet":[)",
      kGroupA, "]}}");
  EXPECT_THAT(TypesOf(java.Do(heartbeat)),
              ElementsAre("CLIENT_REGISTER", "CHANGE", "REGISTER"));
  EXPECT_EQ(java.Do(heartbeat).exception(), "java.lang.NullPointerException");
}

TEST(JavaModelTest, FastCloseNotifiesBroadcastingGroups) {
  Config config = DefaultConfig();
  config.set_enable_fast_channel_event_process(true);
  Script java(Switches(), config);
  java.Heartbeat("ch1", kGroupB);
  java.Heartbeat("ch2", kGroupB);
  EXPECT_THAT(TypesOf(java.Close("ch1")),
              ElementsAre("CLIENT_UNREGISTER", "CHANGE"));
  Script ours(Only(Switch::kEveryCloseIsComplete), config);
  ours.Heartbeat("ch1", kGroupB);
  ours.Heartbeat("ch2", kGroupB);
  EXPECT_THAT(TypesOf(ours.Close("ch1")), ElementsAre("CLIENT_UNREGISTER"));
}

TEST(JavaModelTest, FastCloseMissesWhatWasEnteredWithoutSubscriptions) {
  Config config = DefaultConfig();
  config.set_enable_fast_channel_event_process(true);
  constexpr char kWithoutSub[] =
      R"(,"heartbeatFingerprint":7,"withoutSub":true)";
  Script java(Switches(), config);
  java.Heartbeat("ch1", kGroupA, "", kWithoutSub);
  EXPECT_THAT(TypesOf(java.Close("ch1")), IsEmpty());
  EXPECT_THAT(java.ConsumerGroups(), ElementsAre("cg_a"));
  Script ours(Only(Switch::kEveryCloseIsComplete), config);
  ours.Heartbeat("ch1", kGroupA, "", kWithoutSub);
  ours.Close("ch1");
  EXPECT_THAT(ours.ConsumerGroups(), IsEmpty());
}

TEST(JavaModelTest, ProducerSwitchIsHonouredByTheSwitchOnly) {
  Config config = DefaultConfig();
  config.set_enable_register_producer(false);
  config.set_reject_transaction_message(true);
  constexpr char kProducer[] = R"({"groupName":"pg"})";
  constexpr char kOnline[] = R"({"op":"group_online","group":"pg"})";
  Script java(Switches(), config);
  java.Heartbeat("ch1", "", kProducer);
  EXPECT_TRUE(java.Do(kOnline).producer());
  Script ours(Only(Switch::kProducerSwitchIsHonoured), config);
  EXPECT_EQ(ours.Heartbeat("ch1", "", kProducer).skipped_size(), 1);
  EXPECT_FALSE(ours.Do(kOnline).producer());
}

TEST(JavaModelTest, ClosedChannelIsRegisteredUntilItExpires) {
  Script java{Switches()};
  java.Close("ch1");
  EXPECT_THAT(TypesOf(java.Heartbeat("ch1", kGroupA)),
              ElementsAre("CLIENT_REGISTER", "CHANGE", "REGISTER"));
  EXPECT_THAT(java.ConsumerGroups(), ElementsAre("cg_a"));
  EXPECT_EQ(java.AdvanceAndScan(120001).closed_size(), 0);
  EXPECT_THAT(java.ConsumerGroups(), IsEmpty());
  Script ours(Only(Switch::kClosedChannelRegistersNothing));
  ours.Close("ch1");
  EXPECT_EQ(ours.Heartbeat("ch1", kGroupA).refused(), "closed");
  EXPECT_THAT(ours.ConsumerGroups(), IsEmpty());
}

TEST(JavaModelTest, StaleGroupClosesTheChannelOrExpiresAlone) {
  for (const bool is_ours : {false, true}) {
    Script script(is_ours ? Only(Switch::kOnlySilenceClosesAChannel) |
                                Only(Switch::kEachGroupHasItsClock)
                          : Switches());
    script.Heartbeat("ch1", kGroupA);
    script.AdvanceAndScan(60000);
    script.Heartbeat("ch1", kGroupB);
    const Outcome scan = script.AdvanceAndScan(60001);
    ASSERT_EQ(scan.closed_size(), 1);
    if (is_ours) {
      // ch2 has never spoken.
      EXPECT_EQ(scan.closed(0), "ch2");
      EXPECT_THAT(script.ConsumerGroups(), ElementsAre("cg_b"));
    } else {
      EXPECT_EQ(scan.closed(0), "ch1");
      EXPECT_THAT(script.ConsumerGroups(), IsEmpty());
    }
  }
}

TEST(JavaModelTest, LightHeartbeatIsToldWhetherItIsTheStatement) {
  constexpr char kV2[] = R"(,"heartbeatFingerprint":7)";
  constexpr char kLight[] = R"(,"heartbeatFingerprint":7,"withoutSub":true)";
  Script ours(AllSwitches());
  EXPECT_EQ(ours.Heartbeat("ch1", kGroupA, "", kLight).renewal(),
            "FULL_STATEMENT_NEEDED");
  ours.Heartbeat("ch1", kGroupA, "", kV2);
  EXPECT_EQ(ours.Heartbeat("ch1", kGroupA, "", kLight).renewal(), "RENEWED");
  EXPECT_EQ(ours.Heartbeat("ch1", kGroupB, "", kLight).renewal(),
            "FULL_STATEMENT_NEEDED");
  ours.Do(R"({"op":"unregister","channel":"ch1","clientId":"c1",)"
          R"("consumerGroup":"cg_a"})");
  EXPECT_EQ(ours.Heartbeat("ch1", kGroupA, "", kLight).renewal(),
            "FULL_STATEMENT_NEEDED");
}

TEST(JavaModelTest, RetryTopicCountsAsOrderedItself) {
  Config config = DefaultConfig();
  Topic& ordered = *config.add_topics();
  ordered.set_topic("t_order");
  ordered.set_order(true);
  Script java(Switches(), config);
  const auto is_ordered = [&](absl::string_view topic) {
    java.Heartbeat("ch1", absl::StrCat(R"({"groupName":"cg_a",)"
                                       R"("subscriptionDataSet":[{"topic":")",
                                       topic, R"("}]})"));
    return java.Do(R"({"op":"snapshot"})").topics(0).order();
  };
  EXPECT_FALSE(is_ordered("%RETRY%cg_a"));
  EXPECT_TRUE(is_ordered("t_order"));
  EXPECT_TRUE(is_ordered("%RETRY%cg_a"));
  EXPECT_FALSE(is_ordered("t1"));
}

TEST(JavaModelTest, EverySwitchHasAName) {
  for (size_t i = 0; i < AllSwitches().size(); ++i) {
    EXPECT_STRNE(Name(static_cast<Switch>(i)), "");
  }
}

}  // namespace
}  // namespace rmq::conformance
