// When the notifier counts how soon a dead member's peers are pushed.
#include <memory>

#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/notify/detection_times.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class DetectionTest : public ::testing::Test {
 protected:
  FakeClientChannelPtr Connect(const char* client_id, bool notify = true) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    BuiltStatement statement(TestStatement(client_id).Consumer("orders"));
    statement.admitted().front().notify_consumer_ids_changed = notify;
    table_.Register(*channel, statement.Admitted(), now_);
    notifier_.Flush(table_, now_);
    return channel;
  }
  void Leave(ClientChannel& channel, RemovalReason reason) {
    table_.Close(channel, reason, now_);
  }
  DetectionTimes Detection() const { return notifier_.counts().detection; }

  static ConsumerIdsNotifier::Options WithWindow() {
    ConsumerIdsNotifier::Options options;
    options.notify_window = absl::Seconds(1);
    return options;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  ConsumerIdsNotifier notifier_{WithWindow()};
  ClientTable table_{ClientTable::Options(), {&notifier_}};
};

TEST_F(DetectionTest, AMemberThatIsGoneCountsWhenItsPeersArePushed) {
  const auto peer = Connect("peer");
  const auto dead = Connect("dead");
  now_ += absl::Seconds(120);
  Leave(*dead, RemovalReason::kExpired);
  EXPECT_EQ(Detection().count(), 0);
  now_ += absl::Seconds(2);
  notifier_.Flush(table_, now_);
  EXPECT_EQ(Detection().count(), 1);
  EXPECT_EQ(Detection().sum(), absl::Seconds(122));
}

TEST_F(DetectionTest, ItCountsOnceHoweverManyPeersAndPushesThereAre) {
  const auto a = Connect("a");
  const auto b = Connect("b");
  const auto dead = Connect("dead");
  now_ += absl::Seconds(10);
  Leave(*dead, RemovalReason::kDisconnected);
  notifier_.Flush(table_, now_);
  now_ += absl::Seconds(10);
  Connect("c");
  EXPECT_EQ(Detection().count(), 1);
  EXPECT_EQ(Detection().sum(), absl::Seconds(10));
}

TEST_F(DetectionTest, EachOfThoseThatGoTogetherCounts) {
  const auto peer = Connect("peer");
  const auto a = Connect("a");
  now_ += absl::Seconds(1);
  const auto b = Connect("b");
  now_ += absl::Seconds(10);
  Leave(*a, RemovalReason::kExpired);
  Leave(*b, RemovalReason::kDisconnected);
  notifier_.Flush(table_, now_);
  EXPECT_EQ(Detection().count(), 2);
  EXPECT_EQ(Detection().sum(), absl::Seconds(11 + 10));
}

TEST_F(DetectionTest, WhoIsTakenOutOrSaysSoDoesNotCount) {
  const auto peer = Connect("peer");
  const auto a = Connect("a");
  const auto b = Connect("b");
  now_ += absl::Seconds(10);
  Leave(*a, RemovalReason::kKicked);
  table_.Unregister(*b, "b", {}, {"orders"}, now_);
  notifier_.Flush(table_, now_);
  EXPECT_EQ(Detection().count(), 0);
}

TEST_F(DetectionTest, WithoutAPushNothingCounts) {
  const auto last = Connect("last");
  now_ += absl::Seconds(10);
  Leave(*last, RemovalReason::kExpired);
  notifier_.Flush(table_, now_);
  const auto quiet = Connect("quiet", /*notify=*/false);
  const auto peer = Connect("peer", /*notify=*/false);
  now_ += absl::Seconds(10);
  Leave(*quiet, RemovalReason::kExpired);
  notifier_.Flush(table_, now_);
  EXPECT_EQ(Detection().count(), 0);
}

}  // namespace
}  // namespace rmq
