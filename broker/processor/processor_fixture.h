// What tests of the processor share: the core behind it, and clients.
#ifndef BROKER_PROCESSOR_PROCESSOR_FIXTURE_H_
#define BROKER_PROCESSOR_PROCESSOR_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/passed_over_group.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "gtest/gtest.h"

namespace rmq {

class ProcessorFixture : public ::testing::Test {
 protected:
  explicit ProcessorFixture(const GroupPolicy::Options& policy = {})
      : core_(WithPolicy(policy), {&listener_}, now_) {}

  static BrokerCore::Options WithPolicy(const GroupPolicy::Options& policy) {
    BrokerCore::Options options;
    options.watch.watch_history = 1'000;  // So that it is full soon.
    options.policy = policy;
    return options;
  }

  FakeClientChannelPtr OpenStream() {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    return channel;
  }
  // What it passed over is kept in words, since its views die with the call.
  HeartbeatResult Heartbeat(ClientChannel& channel,
                            const TestStatement& stated) {
    const BuiltStatement statement(stated);
    HeartbeatResult result = processor_.Heartbeat(channel, *statement, now_);
    explained_.clear();
    for (const auto& skipped : result.skipped) {
      explained_.push_back(Explain(skipped));
    }
    result.skipped.clear();
    return result;
  }
  FakeClientChannelPtr Connect(const TestStatement& stated) {
    FakeClientChannelPtr channel = OpenStream();
    EXPECT_TRUE(Heartbeat(*channel, stated).status.ok());
    return channel;
  }
  void Unregister(ClientChannel& channel, absl::string_view producer,
                  absl::string_view consumer) {
    processor_.UnregisterClient(channel, "c1", {producer}, {consumer}, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  RecordingListener listener_;
  BrokerCore core_;
  GroupPolicy& policy_ = core_.policy();
  ConsumerIdsNotifier& notifier_ = core_.notifier();
  ClientTable& table_ = core_.table();
  ClientManageProcessor& processor_ = core_.processor();
  std::vector<std::string> explained_;
};

}  // namespace rmq

#endif  // BROKER_PROCESSOR_PROCESSOR_FIXTURE_H_
