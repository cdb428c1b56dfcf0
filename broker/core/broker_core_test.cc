#include "broker/core/broker_core.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kStart = absl::FromUnixSeconds(1'000'000);

FakeClientChannelPtr Connect(BrokerCore* core, const TestStatement& stated) {
  auto channel = std::make_shared<FakeClientChannel>();
  EXPECT_TRUE(core->table().Open(channel, kStart).ok());
  const BuiltStatement statement(stated);
  EXPECT_TRUE(
      core->processor().Heartbeat(*channel, *statement, kStart).status.ok());
  return channel;
}

// What the parts that stand before it in the order know at each join.
class LastListener final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (event.type == EventType::kChange) {
      changes_heard_by_the_notifier.push_back(
          core->notifier().counts().changes);
    }
  }

  const BrokerCore* core = nullptr;
  std::vector<int64_t> changes_heard_by_the_notifier;
};

TEST(BrokerCoreTest, AHeartbeatIsAdmittedRegisteredAndPushed) {
  RecordingListener listener;
  BrokerCore core(BrokerCore::Options(), {&listener}, kStart);
  const auto channel = Connect(&core, TestStatement("c1").Consumer("orders"));
  EXPECT_TRUE(core.policy().FindSubscriptionGroup("orders").has_value());
  EXPECT_TRUE(core.table().FindConsumerGroup("orders").has_value());
  EXPECT_THAT(
      listener.TakeDescribed(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CHANGE", "consumer orders REGISTER c1"));
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
}

TEST(BrokerCoreTest, OtherListenersHearAnEventAfterTheNotifier) {
  LastListener listener;
  BrokerCore core(BrokerCore::Options(), {&listener}, kStart);
  listener.core = &core;
  Connect(&core, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(listener.changes_heard_by_the_notifier, ElementsAre(1));
}

TEST(BrokerCoreTest, AConfigInUseStaysAndAnUnusedOneMakesRoom) {
  BrokerCore::Options options;
  options.policy.max_auto_created_groups = 2;
  BrokerCore core(options, {}, kStart);
  const auto leaving = Connect(&core, TestStatement("c1").Consumer("unused"));
  Connect(&core, TestStatement("c2").Consumer("used"));
  core.housekeeping().OnChannelClose(*leaving, RemovalReason::kDisconnected,
                                     kStart);
  Connect(&core, TestStatement("c3").Consumer("new"));
  EXPECT_FALSE(core.policy().FindSubscriptionGroup("unused").has_value());
  EXPECT_TRUE(core.policy().FindSubscriptionGroup("used").has_value());
  EXPECT_TRUE(core.policy().FindSubscriptionGroup("new").has_value());
}

TEST(BrokerCoreTest, HousekeepingExpiresASilentChannelAndPushesToItsPeers) {
  BrokerCore::Options options;
  options.table.channel_expiry = absl::Seconds(20);
  BrokerCore core(options, {}, kStart);
  const auto silent = Connect(&core, TestStatement("c1").Consumer("orders"));
  const auto peer = Connect(&core, TestStatement("c2").Consumer("orders"));
  const absl::Time now = kStart + absl::Seconds(21);
  peer->RenewLight(0, now);
  silent->TakePushes();
  peer->TakePushes();
  core.housekeeping().Scan(now);
  EXPECT_THAT(silent->ends(), ElementsAre(RemovalReason::kExpired));
  EXPECT_THAT(peer->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(silent->TakePushes(), IsEmpty());
}

TEST(BrokerCoreTest, TheDeadlineListenerIsCalledForAChangeInsideAWindow) {
  BrokerCore::Options options;
  options.notifier.notify_window = absl::Milliseconds(100);
  std::vector<absl::Time> deadlines;
  BrokerCore core(options, {}, kStart,
                  [&](absl::Time time) { deadlines.push_back(time); });
  Connect(&core, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(deadlines, IsEmpty());
  Connect(&core, TestStatement("c2").Consumer("orders"));
  EXPECT_THAT(deadlines, ElementsAre(kStart + absl::Milliseconds(100)));
}

}  // namespace
}  // namespace rmq
