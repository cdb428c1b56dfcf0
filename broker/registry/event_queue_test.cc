#include "broker/registry/event_queue.h"

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/registry/client_event.h"
#include "broker/registry/recording_listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Calls a function for each event.
class CallingListener final : public ClientEventListener {
 public:
  void OnClientEvent(const ClientEvent& event) override {
    if (on_event) on_event(event);
  }
  void OnEventsDelivered() override {
    if (on_delivered) on_delivered();
  }

  std::function<void(const ClientEvent&)> on_event;
  std::function<void()> on_delivered;
};

std::vector<ClientEvent> Joins(const std::vector<std::string>& groups) {
  std::vector<ClientEvent> events;
  for (const std::string& group : groups) {
    ClientEvent& event = events.emplace_back();
    event.type = EventType::kClientRegister;
    event.kind = GroupKind::kProducer;
    event.group = group;
  }
  return events;
}

class EventQueueTest : public ::testing::Test {
 protected:
  std::vector<std::string> TakeGroups() {
    std::vector<std::string> groups;
    for (const ClientEvent& event : recording_.Take()) {
      groups.push_back(event.group);
    }
    return groups;
  }

  CallingListener calling_;
  RecordingListener recording_;
  EventQueue queue_{{&calling_, &recording_}};
};

TEST_F(EventQueueTest, EventsAreDeliveredInTheOrderInWhichTheyWereAppended) {
  queue_.Append(Joins({"a", "b"}));
  queue_.Append(Joins({"c"}));
  EXPECT_EQ(queue_.size(), 3);
  EXPECT_THAT(TakeGroups(), IsEmpty());
  queue_.Deliver();
  EXPECT_THAT(TakeGroups(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(EventQueueTest, WhatAListenerAppendsIsDeliveredByTheSameCall) {
  calling_.on_event = [&](const ClientEvent& event) {
    if (event.group != "a") return;
    queue_.Append(Joins({"inner"}));
    queue_.Deliver();
  };
  queue_.Append(Joins({"a", "b"}));
  queue_.Deliver();
  EXPECT_THAT(TakeGroups(), ElementsAre("a", "b", "inner"));
}

TEST_F(EventQueueTest, ListenersHearTheEndOfEachBatch) {
  std::vector<size_t> heard;
  calling_.on_delivered = [&] { heard.push_back(recording_.Take().size()); };
  calling_.on_event = [&](const ClientEvent& event) {
    if (event.group == "a") queue_.Append(Joins({"inner"}));
  };
  queue_.Append(Joins({"a", "b"}));
  queue_.Deliver();
  EXPECT_THAT(heard, ElementsAre(2, 1));
}

TEST_F(EventQueueTest, ADeliveryOfNothingCallsNobody) {
  int calls = 0;
  calling_.on_delivered = [&] { ++calls; };
  queue_.Deliver();
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(queue_.IsDelivering());
}

TEST_F(EventQueueTest, ItIsDeliveringUntilTheLastEventIsHeard) {
  std::vector<bool> delivering;
  calling_.on_event = [&](const ClientEvent&) {
    delivering.push_back(queue_.IsDelivering());
  };
  queue_.Append(Joins({"a", "b"}));
  EXPECT_FALSE(queue_.IsDelivering());
  queue_.Deliver();
  EXPECT_THAT(delivering, ElementsAre(true, true));
  EXPECT_FALSE(queue_.IsDelivering());
}

TEST_F(EventQueueTest, AQueueThatIsExactlyFullHasRoom) {
  queue_.Append(Joins(std::vector<std::string>(EventQueue::kMaxQueued, "g")));
  queue_.AwaitRoom();
  EXPECT_EQ(queue_.size(), EventQueue::kMaxQueued);
}

TEST_F(EventQueueTest, WhoFindsOneEventMoreDeliversThemAll) {
  queue_.Append(
      Joins(std::vector<std::string>(EventQueue::kMaxQueued + 1, "g")));
  queue_.AwaitRoom();
  EXPECT_EQ(queue_.size(), 0);
  EXPECT_THAT(TakeGroups(), SizeIs(EventQueue::kMaxQueued + 1));
}

TEST_F(EventQueueTest, WhoFindsOneEventMoreWaitsForTheCallThatDelivers) {
  absl::Notification delivering;
  absl::Notification go_on;
  calling_.on_event = [&](const ClientEvent& event) {
    if (event.group != "first") return;
    delivering.Notify();
    go_on.WaitForNotification();
  };
  queue_.Append(Joins({"first"}));
  std::thread deliverer([&] { queue_.Deliver(); });
  delivering.WaitForNotification();
  queue_.Append(
      Joins(std::vector<std::string>(EventQueue::kMaxQueued + 1, "g")));
  absl::Notification has_room;
  std::thread waiter([&] {
    queue_.AwaitRoom();
    has_room.Notify();
  });
  // Time for a call that does not wait to show itself.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_FALSE(has_room.HasBeenNotified());
  go_on.Notify();
  waiter.join();
  deliverer.join();
  EXPECT_THAT(TakeGroups(), SizeIs(EventQueue::kMaxQueued + 2));
}

TEST_F(EventQueueTest, AListenerDoesNotWaitForRoom) {
  calling_.on_event = [&](const ClientEvent& event) {
    if (event.group != "first") return;
    queue_.Append(
        Joins(std::vector<std::string>(EventQueue::kMaxQueued + 1, "g")));
    queue_.AwaitRoom();
  };
  queue_.Append(Joins({"first"}));
  queue_.Deliver();
  EXPECT_THAT(TakeGroups(), SizeIs(EventQueue::kMaxQueued + 2));
}

}  // namespace
}  // namespace rmq
