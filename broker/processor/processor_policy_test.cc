// What the processor makes of the policy's answers.
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/processor/processor_fixture.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StrictProcessorTest : public ProcessorFixture {
 protected:
  StrictProcessorTest() : ProcessorFixture(Strict()) {}
  static GroupPolicy::Options Strict() {
    GroupPolicy::Options options;
    options.auto_create_subscription_group = false;
    options.reject_pull_consumer_enable = true;
    options.enable_register_producer = false;
    options.enable_property_filter = false;
    options.subscription_groups = {
        {"known"}, {"quiet", /*notify_consumer_ids_changed_enable=*/false}};
    return options;
  }
};

TEST_F(StrictProcessorTest, EachPassedOverGroupIsNamedWithItsReason) {
  const auto channel = OpenStream();
  const HeartbeatResult result =
      Heartbeat(*channel, TestStatement("c1")
                              .Producer("pay")
                              .Consumer("unknown")
                              .Consumer("known")
                              .Consumer("pulls")
                              .Type(ConsumeType::kConsumeActively));
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_THAT(
      explained_,
      ElementsAre("consumer group \"unknown\" has no config, and this broker "
                  "makes none automatically",
                  "consumer group \"pulls\" consumes actively, which this "
                  "broker rejects",
                  "producer group \"pay\" is new, and this broker takes no new "
                  "producers"));
  EXPECT_TRUE(table_.FindConsumerGroup("known").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("unknown").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("pulls").has_value());
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
}

TEST_F(StrictProcessorTest, AGroupWhoseNotificationIsOffIsNotPushed) {
  const auto a = Connect(TestStatement("c1").Consumer("quiet"));
  const auto b = Connect(TestStatement("c2").Consumer("quiet"));
  Unregister(*b, "", "quiet");
  EXPECT_THAT(a->TakePushes(), IsEmpty());
}

TEST_F(StrictProcessorTest, AFilterTypeThatIsSwitchedOffIsAFailedPrecondition) {
  const CallStatus status = processor_.CheckClientConfig("SQL92", "a > 1");
  EXPECT_EQ(status.code, absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.response_code, ResponseCode::kSystemError);
  EXPECT_EQ(status.message,
            "The broker does not support consumer to filter message by SQL92");
}

TEST_F(StrictProcessorTest, TagPassesThoughFiltersAreSwitchedOff) {
  EXPECT_TRUE(processor_.CheckClientConfig("TAG", "a || b").ok());
}

class ProcessorOfOneGroupTest : public ProcessorFixture {
 protected:
  ProcessorOfOneGroupTest() : ProcessorFixture(OfOne()) {}
  static GroupPolicy::Options OfOne() {
    GroupPolicy::Options options;
    options.max_auto_created_groups = 1;
    return options;
  }
};

TEST_F(ProcessorOfOneGroupTest, AtTheLimitANewGroupIsPassedOverAndSaidWhy) {
  Connect(TestStatement("c1").Consumer("a"));
  const auto channel = OpenStream();
  Heartbeat(*channel, TestStatement("c2").Consumer("b"));
  EXPECT_THAT(explained_,
              ElementsAre("consumer group \"b\" is new, and this broker has "
                          "made as many configs as it may"));
  EXPECT_FALSE(table_.FindConsumerGroup("b").has_value());
}

TEST_F(ProcessorOfOneGroupTest, TwoNewGroupsOfOneHeartbeatDoNotEvictEachOther) {
  const auto channel = OpenStream();
  Heartbeat(*channel, TestStatement("c1").Consumer("a").Consumer("b"));
  EXPECT_THAT(explained_, SizeIs(1));
  EXPECT_TRUE(table_.FindConsumerGroup("a").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("b").has_value());
  EXPECT_EQ(policy_.ListSubscriptionGroups("", 10).at(0).group, "a");
}

TEST_F(ProcessorOfOneGroupTest, AGroupThatEmptiedMakesRoom) {
  const auto a = Connect(TestStatement("c1").Consumer("a"));
  Unregister(*a, "", "a");
  Connect(TestStatement("c2").Consumer("b"));
  EXPECT_THAT(explained_, IsEmpty());
  EXPECT_TRUE(table_.FindConsumerGroup("b").has_value());
}

TEST_F(ProcessorOfOneGroupTest, AHeartbeatThatIsAbortedHoldsNothing) {
  const auto closed = OpenStream();
  table_.Close(*closed, RemovalReason::kKicked, now_);
  Heartbeat(*closed, TestStatement("c1").Consumer("a"));
  Connect(TestStatement("c2").Consumer("b"));
  EXPECT_THAT(explained_, IsEmpty());
}

// Runs something in the middle of a delivery: what the table is told then waits
// behind the event at hand, as if another thread were delivering.
class InterruptingListener final : public ClientEventListener {
 public:
  explicit InterruptingListener(std::function<void()> run)
      : run_(std::move(run)) {}
  void OnClientEvent(const ClientEvent&) override {
    if (run_) std::exchange(run_, nullptr)();
  }

 private:
  std::function<void()> run_;
};

TEST_F(ProcessorOfOneGroupTest, AGroupWhoseJoiningIsStillQueuedMakesNoRoom) {
  ClientManageProcessor* processor = nullptr;
  const auto second = std::make_shared<FakeClientChannel>();
  const auto third = std::make_shared<FakeClientChannel>();
  std::vector<size_t> skipped;
  InterruptingListener interrupting([&] {
    for (const auto& [channel, group] :
         {std::make_pair(second, "a"), std::make_pair(third, "b")}) {
      const BuiltStatement statement(TestStatement(group).Consumer(group));
      skipped.push_back(
          processor->Heartbeat(*channel, *statement, now_).skipped.size());
    }
  });
  const ClientTable* in_use = nullptr;
  GroupPolicy policy(OfOne(), [&](absl::string_view group) {
    return in_use->FindConsumerGroup(group).has_value();
  });
  ClientTable table(ClientTable::Options(),
                    {&interrupting, &policy, &notifier_});
  in_use = &table;
  ClientManageProcessor interrupted(&table, &policy, &notifier_);
  processor = &interrupted;
  const auto channel = std::make_shared<FakeClientChannel>();
  for (const auto& opened : {channel, second, third}) {
    ASSERT_TRUE(table.Open(opened, now_).ok());
  }
  const BuiltStatement statement(TestStatement("c1").Producer("pay"));
  interrupted.Heartbeat(*channel, *statement, now_);

  EXPECT_THAT(skipped, ElementsAre(0, 1));
  EXPECT_EQ(policy.ListSubscriptionGroups("", 10).at(0).group, "a");
  EXPECT_TRUE(table.FindConsumerGroup("a").has_value());
  EXPECT_FALSE(table.FindConsumerGroup("b").has_value());
}

}  // namespace
}  // namespace rmq
