// The order and the delivery of the ClientTable's events.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

// Calls back for each event, before or after a recording listener hears it.
class CallingListener final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (call) call(event);
  }
  std::function<void(const ClientEvent&)> call;
};

class ClientTableEventsTest : public ::testing::Test {
 protected:
  static constexpr size_t kFull = 64 * 1024;

  FakeClientChannelPtr OpenStream() {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    return channel;
  }
  void Register(ClientChannel& channel, const TestStatement& stated) {
    const BuiltStatement statement(stated);
    table_.Register(channel, statement.Admitted(), now_);
  }

  // Makes exactly `count` events: producers that join.
  void MakeEvents(size_t count) {
    constexpr size_t kPerCall = 256;
    for (size_t made = 0; made < count;) {
      const auto channel = OpenStream();
      TestStatement stated(absl::StrCat("maker", made));
      for (size_t i = 0; i < kPerCall && made < count; ++i, ++made) {
        stated.Producer(absl::StrCat("p", i));
      }
      Register(*channel, stated);
    }
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  CallingListener calling_;
  RecordingListener recording_;
  ClientTable table_{ClientTable::Options(), {&calling_, &recording_}};
};

TEST_F(ClientTableEventsTest, EventsAreDeliveredBeforeTheCallReturns) {
  const auto channel = OpenStream();
  Register(*channel, TestStatement("c1").Producer("pay"));
  EXPECT_THAT(recording_.Take(), ::testing::SizeIs(1));
  EXPECT_EQ(table_.counts().queued_events, 0);
}

TEST_F(ClientTableEventsTest, AListenerMayCallEveryCallOfTheTable) {
  const auto other = OpenStream();
  Register(*other, TestStatement("c2").Consumer("orders").Producer("pay"));
  int calls = 0;
  calling_.call = [&](const ClientEvent& event) {
    if (event.client_id != "c1" || calls++ > 0) return;
    MemberCursor cursor = 0;
    table_.ListMembers(GroupKind::kConsumer, "orders", 10, &cursor);
    table_.FindConsumerGroup("orders");
    table_.NextAvailableProducer("pay");
    table_.GroupsOfTopic("t", "", 10);
    table_.counts();
    table_.Unregister(*other, "c2", {"pay"}, {}, now_);
    Register(*OpenStream(), TestStatement("c3").Consumer("orders"));
    std::vector<ClientChannelPtr> ended;
    table_.BeginScan(now_);
    table_.ScanSome(now_, 10, &ended);
    table_.Close(*other, RemovalReason::kKicked, now_);
  };
  Register(*OpenStream(), TestStatement("c1").Consumer("orders"));
  EXPECT_GT(calls, 0);
  EXPECT_EQ(table_.FindConsumerGroup("orders")->channels, 2);
}

TEST_F(ClientTableEventsTest, WhatAListenerChangesIsToldAfterWhatItHears) {
  const auto channel = OpenStream();
  const auto inner = OpenStream();
  calling_.call = [&](const ClientEvent& event) {
    if (event.type == EventType::kClientRegister && event.client_id == "c1") {
      Register(*inner, TestStatement("inner").Producer("pay"));
    }
  };
  Register(*channel, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(
      recording_.TakeDescribed(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CHANGE", "consumer orders REGISTER c1",
                  "producer pay CLIENT_REGISTER inner"));
}

TEST_F(ClientTableEventsTest, AJoinThatAListenerAnswersWithACloseIsToldFirst) {
  const auto channel = OpenStream();
  calling_.call = [&](const ClientEvent& event) {
    if (event.type == EventType::kClientRegister) {
      table_.Close(*event.channel, RemovalReason::kKicked, now_);
    }
  };
  Register(*channel, TestStatement("c1").Producer("a").Producer("b"));
  EXPECT_THAT(
      recording_.TakeDescribed(),
      ElementsAre(
          "producer a CLIENT_REGISTER c1", "producer b CLIENT_REGISTER c1",
          "producer b CLIENT_UNREGISTER c1 KICKED", "producer b UNREGISTER",
          "producer a CLIENT_UNREGISTER c1 KICKED", "producer a UNREGISTER"));
}

TEST_F(ClientTableEventsTest, AllListenersHearAnEventBeforeTheNextOne) {
  const auto channel = OpenStream();
  std::vector<size_t> heard_by_second;
  calling_.call = [&](const ClientEvent&) {
    heard_by_second.push_back(recording_.Take().size());
  };
  Register(*channel, TestStatement("c1").Producer("a").Producer("b"));
  EXPECT_THAT(heard_by_second, ElementsAre(0, 1));
}

TEST_F(ClientTableEventsTest, RevisionsNeverFall) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  calling_.call = [&](const ClientEvent& event) {
    if (event.group == "g0") Register(*b, TestStatement("c2").Producer("x"));
  };
  for (int i = 0; i < 5; ++i) {
    Register(*a,
             TestStatement("c1").Producer(absl::StrCat("g", i)).Consumer("o"));
  }
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  uint64_t last = 0;
  for (const ClientEvent& event : recording_.Take()) {
    EXPECT_GE(event.revision, last);
    last = event.revision;
  }
  EXPECT_EQ(last, 7);
}

TEST_F(ClientTableEventsTest, EventsCarryTheTimeOfTheCallThatMadeThem) {
  const auto channel = OpenStream();
  const auto closing = OpenStream();
  const auto silent = OpenStream();
  const BuiltStatement statement(
      TestStatement("c1").Producer("a").Producer("b"));
  const auto later = [&](int seconds) { return now_ + absl::Seconds(seconds); };
  table_.Register(*channel, statement.Admitted(), later(1));
  table_.Register(*closing, statement.Admitted(), later(2));
  table_.Register(*silent, statement.Admitted(), later(3));
  recording_.Take();
  const auto times = [&] {
    std::vector<absl::Time> times;
    for (const ClientEvent& event : recording_.Take()) {
      times.push_back(event.at);
    }
    return times;
  };
  table_.Register(*channel,
                  BuiltStatement(TestStatement("c1").Consumer("o")).Admitted(),
                  later(4));
  EXPECT_THAT(times(), ElementsAre(later(4), later(4), later(4)));
  table_.Unregister(*channel, "c1", {"a", "b"}, {}, later(5));
  EXPECT_THAT(times(), ElementsAre(later(5), later(5)));
  table_.Close(*closing, RemovalReason::kDisconnected, later(6));
  EXPECT_THAT(times(), ElementsAre(later(6), later(6)));
  std::vector<ClientChannelPtr> ended;
  table_.BeginScan(later(124));
  table_.ScanSome(later(124), 10, &ended);
  EXPECT_THAT(times(), ::testing::Each(later(124)));
  EXPECT_THAT(ended, ElementsAre(silent));
  table_.CloseSome(RemovalReason::kDrained, 10, later(130), &ended);
  EXPECT_THAT(times(), ::testing::Each(later(130)));
}

TEST_F(ClientTableEventsTest, ACallReturnsWhileAnotherIsDelivering) {
  absl::Notification delivering;
  absl::Notification go_on;
  calling_.call = [&](const ClientEvent& event) {
    if (event.client_id != "first") return;
    delivering.Notify();
    go_on.WaitForNotification();
  };
  std::thread first(
      [&] { Register(*OpenStream(), TestStatement("first").Producer("pay")); });
  delivering.WaitForNotification();
  Register(*OpenStream(), TestStatement("second").Producer("pay"));
  EXPECT_THAT(recording_.TakeDescribed(), ::testing::IsEmpty());
  EXPECT_EQ(table_.counts().queued_events, 1);
  EXPECT_EQ(table_.FindProducerGroup("pay")->channels, 2);
  go_on.Notify();
  first.join();
  EXPECT_THAT(recording_.TakeDescribed(),
              ElementsAre("producer pay CLIENT_REGISTER first",
                          "producer pay CLIENT_REGISTER second"));
}

TEST_F(ClientTableEventsTest, AListenersOwnCallsDoNotWaitForRoomInTheQueue) {
  calling_.call = [&](const ClientEvent& event) {
    if (event.client_id != "first") return;
    MakeEvents(kFull + 1);
    Register(*OpenStream(), TestStatement("last").Producer("pay"));
  };
  Register(*OpenStream(), TestStatement("first").Producer("pay"));
  const std::vector<std::string> events = recording_.TakeDescribed();
  EXPECT_EQ(events.size(), kFull + 3);
  EXPECT_EQ(events.back(), "producer pay CLIENT_REGISTER last");
  EXPECT_EQ(table_.counts().queued_events, 0);
}

// A table whose first event is being delivered, by another thread, until the
// test lets it.
class BlockedDeliveryTest : public ClientTableEventsTest {
 protected:
  BlockedDeliveryTest() {
    calling_.call = [this](const ClientEvent& event) {
      if (event.client_id != "first") return;
      delivering_.Notify();
      go_on_.WaitForNotification();
    };
    first_ = std::thread([this] {
      Register(*OpenStream(), TestStatement("first").Producer("first"));
    });
    delivering_.WaitForNotification();
  }
  ~BlockedDeliveryTest() override {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    if (first_.joinable()) first_.join();
  }

  absl::Notification delivering_;
  absl::Notification go_on_;
  std::thread first_;
};

TEST_F(BlockedDeliveryTest, ACallThatFindsTheQueueExactlyFullGoesOn) {
  MakeEvents(kFull);
  ASSERT_EQ(table_.counts().queued_events, kFull);
  Register(*OpenStream(), TestStatement("late").Producer("late"));
  EXPECT_TRUE(table_.FindProducerGroup("late").has_value());
}

TEST_F(BlockedDeliveryTest, ACallThatFindsMoreChangesNothingBeforeThereIsRoom) {
  MakeEvents(kFull + 1);
  ASSERT_EQ(table_.counts().queued_events, kFull + 1);
  const auto closing = OpenStream();
  std::atomic<int> started{0};
  std::vector<std::thread> late;
  late.emplace_back([&] {
    const auto channel = OpenStream();
    ++started;
    Register(*channel, TestStatement("late").Producer("late"));
  });
  late.emplace_back([&] {
    ++started;
    table_.Close(*closing, RemovalReason::kDisconnected, now_);
  });
  while (started < 2) std::this_thread::yield();
  // Time for a call that does not wait to show itself; nothing that waits can.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_FALSE(table_.FindProducerGroup("late").has_value());
  EXPECT_EQ(table_.counts().queued_events, kFull + 1);

  go_on_.Notify();
  first_.join();
  for (std::thread& thread : late) thread.join();
  EXPECT_TRUE(table_.FindProducerGroup("late").has_value());
  const std::vector<std::string> events = recording_.TakeDescribed();
  EXPECT_EQ(events.size(), kFull + 3);
  EXPECT_EQ(events.back(), "producer late CLIENT_REGISTER late");
}

}  // namespace
}  // namespace rmq
