// What tests of the ClientTable share: a table with a recording listener, and a
// time that only the test moves.
#ifndef BROKER_REGISTRY_CLIENT_TABLE_FIXTURE_H_
#define BROKER_REGISTRY_CLIENT_TABLE_FIXTURE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/subscription_table.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "gtest/gtest.h"

namespace rmq {

class ClientTableFixture : public ::testing::Test {
 protected:
  static constexpr absl::Duration kExpiry = absl::Seconds(120);
  static constexpr absl::Duration kMoment = absl::Nanoseconds(1);

  // `others` are further listeners.
  explicit ClientTableFixture(
      const ClientTable::Options& options = ClientTable::Options(),
      const std::vector<ClientEventListener*>& others = {})
      : table_(options, WithListener(others)) {}

  void Advance(absl::Duration by) { now_ += by; }

  FakeClientChannelPtr OpenStream(absl::string_view principal = "") {
    auto channel = std::make_shared<FakeClientChannel>();
    const absl::Status opened = table_.Open(channel, now_, principal);
    EXPECT_TRUE(opened.ok()) << opened;
    return channel;
  }
  // Of whom a statement is.
  FakeClientChannelPtr OpenStreamFor(const TestStatement& stated) {
    return OpenStream(stated.is_trial ? "" : stated.principal);
  }

  // A new stream after its first heartbeat.
  FakeClientChannelPtr Connect(const TestStatement& stated) {
    FakeClientChannelPtr channel = OpenStreamFor(stated);
    Register(*channel, stated);
    return channel;
  }

  ClientChannelPtr StandIn(absl::string_view client_id,
                           absl::string_view principal = "") {
    auto channel =
        std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn);
    absl::StatusOr<ClientChannelPtr> found =
        table_.FindOrOpenStandIn(client_id, channel, now_, principal);
    EXPECT_TRUE(found.ok()) << found.status();
    return *std::move(found);
  }

  RegisterResult Register(ClientChannel& channel, const TestStatement& stated) {
    const BuiltStatement statement(stated);
    return table_.Register(channel, statement.Admitted(), now_);
  }

  // With no consumer let in by the policy.
  RegisterResult RegisterAllSkipped(ClientChannel& channel,
                                    const TestStatement& stated) {
    BuiltStatement statement(stated);
    statement.admitted().clear();
    return table_.Register(channel, statement.Admitted(), now_);
  }

  RegisterResult RegisterUnnotified(ClientChannel& channel,
                                    const TestStatement& stated) {
    BuiltStatement statement(stated);
    for (AdmittedConsumer& consumer : statement.admitted()) {
      consumer.notify_consumer_ids_changed = false;
    }
    return table_.Register(channel, statement.Admitted(), now_);
  }

  // A whole scan; returns the channels that it closed.
  std::vector<ClientChannelPtr> Scan() {
    std::vector<ClientChannelPtr> ended;
    table_.BeginScan(now_);
    while (table_.ScanSome(now_, 256, &ended)) {
    }
    return ended;
  }

  // Client ids of the members, in the order of their channels' opening.
  std::vector<std::string> Members(GroupKind kind, absl::string_view group) {
    std::vector<std::string> client_ids;
    MemberCursor cursor = 0;
    do {
      for (MemberInfo& member :
           table_.ListMembers(kind, group, ClientTable::kMaxPiece, &cursor)) {
        client_ids.push_back(std::move(member.client_id));
      }
    } while (cursor != 0);
    return client_ids;
  }
  std::vector<std::string> Consumers(absl::string_view group) {
    return Members(GroupKind::kConsumer, group);
  }
  std::vector<std::string> Producers(absl::string_view group) {
    return Members(GroupKind::kProducer, group);
  }

  // The members of a consumer group, at most 100.
  std::vector<MemberInfo> MemberInfos(absl::string_view consumer_group) {
    MemberCursor cursor = 0;
    return table_.ListMembers(GroupKind::kConsumer, consumer_group, 100,
                              &cursor);
  }
  // When the first member of a consumer group last stated it.
  absl::Time LastStated(absl::string_view consumer_group) {
    return MemberInfos(consumer_group).at(0).last_heard;
  }

  // The expression of a group's subscription, or "none".
  std::string ExpressionOf(absl::string_view group, absl::string_view topic) {
    const absl::optional<SubscriptionData> subscription =
        table_.FindSubscription(group, topic);
    return subscription.has_value() ? subscription->expression : "none";
  }
  std::vector<std::string> GroupsOf(absl::string_view topic) {
    return table_.GroupsOfTopic(topic, "", ClientTable::kMaxPiece);
  }

  std::vector<std::string> TakeEvents() { return listener_.TakeDescribed(); }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  RecordingListener listener_;
  ClientTable table_;

 private:
  std::vector<ClientEventListener*> WithListener(
      std::vector<ClientEventListener*> others) {
    others.insert(others.begin(), &listener_);
    return others;
  }
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_TABLE_FIXTURE_H_
