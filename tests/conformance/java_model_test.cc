// Rules of Java that the recordings do not show, or that are easily lost, and
// the switches that change them.
#include "tests/conformance/java_model.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/conformance/java_switches.h"

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

// --- A group is what its members state ---

std::string TopicJson(absl::string_view topic, int version = 1,
                      absl::string_view expression = "*") {
  return absl::StrCat(R"({"topic":")", topic, R"(","subVersion":)", version,
                      R"(,"subString":")", expression, R"("})");
}

// The group cg_a of one heartbeat.
std::string Stating(const std::vector<std::string>& topics,
                    absl::string_view model = "CLUSTERING") {
  return absl::StrCat(R"({"groupName":"cg_a","messageModel":")", model,
                      R"(","subscriptionDataSet":[)",
                      absl::StrJoin(topics, ","), "]}");
}

// "TYPE channel [topics]", of CHANGE "CHANGE [channels]".
std::vector<std::string> EventsOf(const Outcome& outcome) {
  std::vector<std::string> events;
  for (const Event& event : outcome.events()) {
    const auto& list = event.type() == "CHANGE" || event.type() == "UNREGISTER"
                           ? event.channels()
                           : event.topics();
    events.push_back(absl::StrCat(event.type(), " ", event.channel(),
                                  event.channel().empty() ? "" : " ", "[",
                                  absl::StrJoin(list, " "), "]"));
  }
  return events;
}

class MembersTest : public testing::Test {
 protected:
  MembersTest() : model_(AllSwitches()) {
    model_.Do(R"({"op":"open_channel","channel":"ch3"})");
  }

  // Without `consumer` the heartbeat has another group only. The channel is
  // that of client "c" and its number, if no other is given.
  Outcome State(int channel, const std::string& consumer, int client = 0,
                int incarnation = 0, int stream_number = 0) {
    return model_.Do(absl::StrCat(
        R"({"op":"heartbeat","channel":"ch)", channel,
        R"(","body":{"clientID":"c)", client == 0 ? channel : client,
        R"(","incarnation":)", incarnation, R"(,"streamNumber":)",
        stream_number, R"(,"consumerDataSet":[)",
        consumer.empty() ? R"({"groupName":"cg_other"})" : consumer, "]}}"));
  }
  // "topic expression".
  std::vector<std::string> Subscriptions() {
    std::vector<std::string> held;
    const Outcome snapshot = Snapshot();
    for (const ConsumerGroup& group : snapshot.consumer_groups()) {
      if (group.group() != "cg_a") continue;
      for (const Subscription& subscription : group.subscriptions()) {
        held.push_back(
            absl::StrCat(subscription.topic(), " ", subscription.sub_string()));
      }
    }
    return held;
  }
  std::string MessageModel() {
    const Outcome snapshot = Snapshot();
    for (const ConsumerGroup& group : snapshot.consumer_groups()) {
      if (group.group() == "cg_a") return group.message_model();
    }
    return "no such group";
  }
  Outcome Snapshot() { return model_.Do(R"({"op":"snapshot"})"); }
  int GroupsOf(absl::string_view topic) {
    return model_
        .Do(absl::StrCat(R"({"op":"query_topic_consume_by_who","topic":")",
                         topic, R"("})"))
        .groups_size();
  }

  Script model_;
};

TEST(JavaModelTest, JavaTakesThoseOfTheLatestHeartbeat) {
  Switches switches = AllSwitches();
  switches.reset(static_cast<size_t>(Switch::kAGroupIsWhatItsMembersState));
  Script java(switches);
  java.Heartbeat("ch1", Stating({TopicJson("t1")}));
  EXPECT_THAT(EventsOf(java.Heartbeat("ch2", Stating({TopicJson("t2")}))),
              ElementsAre("CLIENT_REGISTER ch2 [t2]", "CHANGE [ch1 ch2]",
                          "REGISTER ch2 [t2]"));
}

TEST_F(MembersTest, AJoiningMemberTakesNothingFromTheGroup) {
  State(1, Stating({TopicJson("t1")}));
  EXPECT_THAT(EventsOf(State(2, Stating({TopicJson("t2")}))),
              ElementsAre("CLIENT_REGISTER ch2 [t1 t2]", "CHANGE [ch1 ch2]",
                          "REGISTER ch2 [t1 t2]"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *", "t2 *"));
}

TEST_F(MembersTest, AChangeIsMadeWhenTheSetOfTopicsChangesOnly) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t1")}));
  EXPECT_THAT(TypesOf(State(2, Stating({TopicJson("t1"), TopicJson("t2")}))),
              ElementsAre("CHANGE", "REGISTER"));
  EXPECT_THAT(TypesOf(State(1, Stating({TopicJson("t2")}))),
              ElementsAre("REGISTER"));
  EXPECT_THAT(TypesOf(State(2, Stating({TopicJson("t2")}))),
              ElementsAre("CHANGE", "REGISTER"));
  EXPECT_THAT(TypesOf(State(2, Stating({TopicJson("t2", 2, "A")}))),
              ElementsAre("REGISTER"));
}

TEST_F(MembersTest, ALeaveTellsTheTopicsBeforeItAndTakesItsOwnAlong) {
  State(1, Stating({TopicJson("t1"), TopicJson("t2", 1, "A")}));
  State(2, Stating({TopicJson("t2", 2, "B"), TopicJson("t3")}));
  EXPECT_THAT(EventsOf(model_.Close("ch2")),
              ElementsAre("CLIENT_UNREGISTER ch2 [t1 t2 t3]", "CHANGE [ch1]"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *", "t2 A"));
}

TEST_F(MembersTest, TheTopicIndexFollows) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t2")}));
  EXPECT_EQ(GroupsOf("t1"), 1);
  model_.Close("ch1");
  EXPECT_EQ(GroupsOf("t1"), 0);
  EXPECT_EQ(GroupsOf("t2"), 1);
}

TEST_F(MembersTest, AnExpiredMemberTakesItsTopicsAlong) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t2")}));
  model_.AdvanceAndScan(60000);
  State(1, Stating({TopicJson("t1")}));
  model_.AdvanceAndScan(60001);
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *"));
}

TEST_F(MembersTest, AnUnregisteredMemberTakesItsTopicsAlong) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t2")}));
  model_.Do(R"({"op":"unregister","channel":"ch2","clientId":"c2",)"
            R"("consumerGroup":"cg_a"})");
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *"));
}

TEST_F(MembersTest, ALeftOutMemberHoldsItsTopicsUntilItExpires) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t2")}));
  EXPECT_THAT(TypesOf(State(2, "")),
              ElementsAre("CLIENT_REGISTER", "CHANGE", "REGISTER"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *", "t2 *"));
  model_.AdvanceAndScan(60000);
  State(1, Stating({TopicJson("t1")}));
  State(2, "");
  EXPECT_THAT(TypesOf(model_.AdvanceAndScan(60001)),
              ElementsAre("CLIENT_UNREGISTER", "CHANGE"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *"));
}

TEST_F(MembersTest, AStandInHoldsWhatItsUnaryCallsState) {
  State(1, Stating({TopicJson("t1")}));
  model_.Do(absl::StrCat(
      R"({"op":"heartbeat","channel":"unary","unary":true,"body":)",
      R"({"clientID":"c2","consumerDataSet":[)", Stating({TopicJson("t2")}),
      "]}}"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *", "t2 *"));
  model_.Do(R"({"op":"unregister","channel":"unary","unary":true,)"
            R"("clientId":"c2","consumerGroup":"cg_a"})");
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *"));
}

TEST_F(MembersTest, ALightHeartbeatStatesNoModes) {
  constexpr char kV2[] = R"(,"heartbeatFingerprint":7)";
  constexpr char kLight[] = R"(,"heartbeatFingerprint":7,"withoutSub":true)";
  model_.Heartbeat("ch1", Stating({}, "CLUSTERING"), "", kV2);
  State(2, Stating({}, "BROADCASTING"));
  EXPECT_EQ(model_.Heartbeat("ch1", Stating({}), "", kLight).renewal(),
            "RENEWED");
  EXPECT_EQ(MessageModel(), "BROADCASTING");
  model_.Heartbeat("ch1", Stating({}, "CLUSTERING"), "", kV2);
  EXPECT_EQ(MessageModel(), "CLUSTERING");
}

TEST_F(MembersTest, ABroadcastingGroupThatTurnsToClusteringIsTold) {
  State(1, Stating({TopicJson("t1")}, "BROADCASTING"));
  State(2, Stating({TopicJson("t1")}, "BROADCASTING"));
  const Outcome turned = State(1, Stating({TopicJson("t1")}));
  EXPECT_THAT(EventsOf(turned),
              ElementsAre("CHANGE [ch1 ch2]", "REGISTER ch1 [t1]"));
  EXPECT_EQ(turned.pushes_size(), 2);
}

TEST_F(MembersTest, AClusteringGroupThatTurnsToBroadcastingIsNotTold) {
  State(1, Stating({TopicJson("t1")}));
  State(2, Stating({TopicJson("t1")}));
  EXPECT_THAT(TypesOf(State(1, Stating({TopicJson("t1")}, "BROADCASTING"))),
              ElementsAre("REGISTER"));
}

TEST_F(MembersTest, AJoiningIsToldIfTheGroupWasClusteringBeforeIt) {
  State(1, Stating({}));
  EXPECT_THAT(TypesOf(State(2, Stating({}, "BROADCASTING"))),
              ElementsAre("CLIENT_REGISTER", "CHANGE", "REGISTER"));
  EXPECT_THAT(TypesOf(State(3, Stating({}, "BROADCASTING"))),
              ElementsAre("CLIENT_REGISTER", "REGISTER"));
}

TEST_F(MembersTest, ALeaveIsToldIfTheGroupIsClusteringBeforeOrAfterIt) {
  State(1, Stating({}));
  State(2, Stating({}, "BROADCASTING"));
  EXPECT_THAT(TypesOf(model_.Close("ch2")),
              ElementsAre("CLIENT_UNREGISTER", "CHANGE"));
  State(3, Stating({}, "BROADCASTING"));
  EXPECT_THAT(TypesOf(model_.Close("ch1")), ElementsAre("CLIENT_UNREGISTER"));
  EXPECT_THAT(TypesOf(model_.Close("ch3")),
              ElementsAre("CLIENT_UNREGISTER", "UNREGISTER"));
}

TEST_F(MembersTest, ABroadcastingMemberThatIsLeftOutTurnsTheGroup) {
  State(1, Stating({}));
  State(2, Stating({}, "BROADCASTING"));
  const Outcome left_out = State(2, "");
  EXPECT_EQ(MessageModel(), "CLUSTERING");
  ASSERT_EQ(left_out.events_size(), 4);
  EXPECT_EQ(left_out.events(3).type(), "CHANGE");
  EXPECT_EQ(left_out.events(3).group(), "cg_a");
  EXPECT_THAT(left_out.events(3).channels(), ElementsAre("ch1", "ch2"));
}

TEST_F(MembersTest, AClusteringMemberThatIsLeftOutTurnsTheGroupInSilence) {
  State(1, Stating({}, "BROADCASTING"));
  State(2, Stating({}));
  EXPECT_THAT(TypesOf(State(2, "")),
              ElementsAre("CLIENT_REGISTER", "CHANGE", "REGISTER"));
  EXPECT_EQ(MessageModel(), "BROADCASTING");
}

TEST(JavaModelTest, NoChangeIsMadeIfTheGroupsSwitchIsOff) {
  Config config = DefaultConfig();
  GroupConfig& quiet = *config.add_subscription_groups();
  quiet.set_group_name("cg_a");
  Script model(AllSwitches(), config);
  model.Heartbeat("ch1", Stating({}, "BROADCASTING"));
  EXPECT_THAT(TypesOf(model.Heartbeat("ch1", Stating({TopicJson("t1")}))),
              ElementsAre("REGISTER"));
  EXPECT_THAT(TypesOf(model.Close("ch1")),
              ElementsAre("CLIENT_UNREGISTER", "UNREGISTER"));
}

TEST_F(MembersTest, AReplacementThatLeavesTheGroupEqualIsNoChange) {
  State(1, Stating({TopicJson("t1")}), 1, 7);
  const Outcome replacing = State(2, Stating({TopicJson("t1")}), 1, 7);
  EXPECT_THAT(EventsOf(replacing),
              ElementsAre("CLIENT_REGISTER ch2 [t1]",
                          "CLIENT_UNREGISTER ch1 [t1]", "REGISTER ch2 [t1]"));
  EXPECT_EQ(replacing.events(1).reason(), "REPLACED");
  EXPECT_THAT(replacing.closed(), ElementsAre("ch1"));
  EXPECT_THAT(replacing.pushes(), IsEmpty());
}

TEST_F(MembersTest, AReplacementIsOneRecomputation) {
  State(1, Stating({TopicJson("t1", 5, "old"), TopicJson("t2")}), 1, 7);
  EXPECT_THAT(
      EventsOf(State(2, Stating({TopicJson("t1", 1, "new"), TopicJson("t3")}),
                     1, 7)),
      ElementsAre("CLIENT_REGISTER ch2 [t1 t3]",
                  "CLIENT_UNREGISTER ch1 [t1 t2]", "CHANGE [ch2]",
                  "REGISTER ch2 [t1 t3]"));
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 new", "t3 *"));
}

TEST_F(MembersTest, AReplacementThatTurnsTheGroupToClusteringIsAChange) {
  State(1, Stating({}, "BROADCASTING"), 1, 7);
  EXPECT_THAT(EventsOf(State(2, Stating({}), 1, 7)),
              ElementsAre("CLIENT_REGISTER ch2 []", "CLIENT_UNREGISTER ch1 []",
                          "CHANGE [ch2]", "REGISTER ch2 []"));
}

TEST_F(MembersTest, AReplacementUnderAnotherClientIdIsAChange) {
  State(1, Stating({}), 1, 7);
  State(1, Stating({}), 2, 7);  // The record of ch1 is now one of c2.
  EXPECT_THAT(TypesOf(State(2, Stating({}), 1, 7)),
              ElementsAre("CLIENT_REGISTER", "CLIENT_UNREGISTER", "CHANGE",
                          "REGISTER"));
}

TEST_F(MembersTest, AGroupThatTheNewStreamDoesNotStateIsLeftAsEver) {
  State(1, Stating({TopicJson("t1")}), 1, 7);
  State(3, Stating({TopicJson("t2")}));
  const Outcome replacing = State(2, "", 1, 7);
  ASSERT_EQ(replacing.events_size(), 5);
  EXPECT_EQ(replacing.events(3).group(), "cg_a");
  EXPECT_EQ(replacing.events(3).reason(), "REPLACED");
  EXPECT_THAT(replacing.events(3).topics(), ElementsAre("t1", "t2"));
  EXPECT_EQ(replacing.events(4).type(), "CHANGE");
  EXPECT_THAT(Subscriptions(), ElementsAre("t2 *"));
}

TEST_F(MembersTest, OneMembersChangeVoidsNoOthersToken) {
  constexpr char kV2[] = R"(,"heartbeatFingerprint":7)";
  constexpr char kLight[] = R"(,"heartbeatFingerprint":7,"withoutSub":true)";
  model_.Heartbeat("ch1", Stating({TopicJson("t1")}), "", kV2);
  State(2, Stating({TopicJson("t1", 2, "A"), TopicJson("t2")}, "BROADCASTING"));
  State(2, Stating({}));
  model_.Close("ch2");
  EXPECT_EQ(model_.Heartbeat("ch1", Stating({}), "", kLight).renewal(),
            "RENEWED");
  EXPECT_THAT(Subscriptions(), ElementsAre("t1 *"));
}

// --- An older stream never wins ---

TEST_F(MembersTest, TheSmallerStreamNumberGoesWhicheverWasOpenedLater) {
  State(1, Stating({}), 1, 7, /*stream_number=*/2);
  const Outcome late = State(2, Stating({}), 1, 7, /*stream_number=*/1);
  EXPECT_EQ(late.refused(), "closed");
  EXPECT_THAT(late.closed(), ElementsAre("ch2"));
  EXPECT_THAT(State(3, Stating({}), 1, 7, /*stream_number=*/3).closed(),
              ElementsAre("ch1"));
}

TEST_F(MembersTest, TheGreaterStreamNumberStaysThoughItWasOpenedFirst) {
  State(2, Stating({}), 1, 7, /*stream_number=*/1);
  EXPECT_THAT(State(1, Stating({}), 1, 7, /*stream_number=*/2).closed(),
              ElementsAre("ch2"));
}

TEST_F(MembersTest, WithoutTwoStreamNumbersTheOneOpenedLaterStays) {
  State(1, Stating({}), 1, 7, /*stream_number=*/2);
  EXPECT_THAT(State(2, Stating({}), 1, 7, /*stream_number=*/0).closed(),
              ElementsAre("ch1"));
  EXPECT_THAT(State(3, Stating({}), 1, 7, /*stream_number=*/1).closed(),
              ElementsAre("ch2"));
}

TEST_F(MembersTest, EqualStreamNumbersGoByOpening) {
  State(2, Stating({}), 1, 7, /*stream_number=*/2);
  EXPECT_EQ(State(1, Stating({}), 1, 7, /*stream_number=*/2).refused(),
            "closed");
}

TEST_F(MembersTest, StreamNumbersOfOtherIncarnationsAreNotCompared) {
  State(1, Stating({}), 1, 7, /*stream_number=*/2);
  EXPECT_EQ(State(2, Stating({}), 1, 8, /*stream_number=*/1).code(), 0);
  EXPECT_EQ(State(3, Stating({}), 1, 0, /*stream_number=*/1).code(), 0);
  const Outcome snapshot = Snapshot();
  EXPECT_EQ(snapshot.consumer_groups(0).connections_size(), 3);
}

// --- Releases ---

// How long cg_b is idle, which the heartbeat of 50 s later leaves out.
int64_t IdleOfTheGroupLeftOut(absl::string_view release, int fingerprint) {
  const absl::StatusOr<Switches> switches = SwitchesOf(release);
  EXPECT_THAT(switches, IsOk());
  Script java(*switches);
  java.Heartbeat("ch1", absl::StrCat(kGroupA, ",", kGroupB), "",
                 absl::StrCat(R"(,"heartbeatFingerprint":)", fingerprint));
  java.Do(R"({"op":"advance","ms":50000})");
  java.Heartbeat("ch1", kGroupA);
  const Outcome snapshot = java.Do(R"({"op":"snapshot"})");
  return snapshot.consumer_groups(1).connections(0).idle_ms();
}

TEST(JavaModelTest, UpTo550GroupsOfOneHeartbeatShareAClock) {
  for (const char* release : {"5.4.0", "5.5.0"}) {
    EXPECT_EQ(IdleOfTheGroupLeftOut(release, 0), 0);
    EXPECT_EQ(IdleOfTheGroupLeftOut(release, 7), 0);
  }
}

TEST(JavaModelTest, Since551GroupsShareAClockIfTheirHeartbeatIsV2Only) {
  EXPECT_EQ(IdleOfTheGroupLeftOut("5.5.1", 0), 50000);
  EXPECT_EQ(IdleOfTheGroupLeftOut("5.5.1", 7), 0);
}

TEST(JavaModelTest, TheReferenceIsAKnownRelease) {
  EXPECT_THAT(SwitchesOf(kReferenceRelease), IsOk());
}

TEST(JavaModelTest, AnUnknownReleaseIsRefusedWithThoseThatAreKnown) {
  for (const char* release : {"5.5.2", "5.4", ""}) {
    const absl::Status status = SwitchesOf(release).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              absl::StrCat("rocketmq must be 5.4.0, 5.5.0 or 5.5.1, got \"",
                           release, "\""));
  }
}

TEST(JavaModelTest, EverySwitchHasAName) {
  for (size_t i = 0; i < AllSwitches().size(); ++i) {
    EXPECT_STRNE(Name(static_cast<Switch>(i)), "");
  }
}

}  // namespace
}  // namespace rmq::conformance
