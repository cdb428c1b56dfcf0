#include "client/loop/callback_queue.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/loop/thread_event_loop.h"
#include "client/testing/manual_event_loop.h"
#include "common/real_clock.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CallbackQueueTest : public ::testing::Test {
 protected:
  // A callback of `key` that notes `what`.
  void Add(const std::string& key, const std::string& what) {
    queue_->Add({"broker:1", key}, [this, what] { ran_.push_back(what); });
  }

  ManualEventLoop dispatcher_;
  std::shared_ptr<CallbackQueue> queue_ =
      std::make_shared<CallbackQueue>(&dispatcher_);
  std::vector<std::string> ran_;
};

TEST_F(CallbackQueueTest, CallbacksRunOnTheDispatcherInTheOrderOfAdding) {
  Add("a", "a");
  Add("b", "b");
  EXPECT_THAT(ran_, IsEmpty());
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a", "b"));
}

TEST_F(CallbackQueueTest, ALaterCallbackOfAWaitingKeyTakesItsPlace) {
  Add("a", "a1");
  Add("b", "b");
  Add("a", "a2");
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a2", "b"));
}

TEST_F(CallbackQueueTest, WhatHappensDuringACallbackIsToldByAFurtherOne) {
  queue_->Add({"broker:1", "a"}, [this] {
    ran_.push_back("a1");
    Add("a", "a2");
  });
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a1", "a2"));
}

TEST_F(CallbackQueueTest, TheQueueGoesOnAfterItWasEmpty) {
  Add("a", "a1");
  dispatcher_.RunPosted();
  Add("a", "a2");
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a1", "a2"));
}

TEST_F(CallbackQueueTest, QueuesOfOneDispatcherTakeTurns) {
  auto other = std::make_shared<CallbackQueue>(&dispatcher_);
  Add("a", "a");
  Add("b", "b");
  other->Add({"broker:1", "x"}, [this] { ran_.push_back("x"); });
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a", "x", "b"));
}

TEST_F(CallbackQueueTest, NoneStartsAfterClose) {
  Add("a", "a");
  queue_->Close();
  Add("b", "b");
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(CallbackQueueTest, ClosedInsideACallbackNoFurtherOneStarts) {
  queue_->Add({"broker:1", "a"}, [this] {
    ran_.push_back("a");
    queue_->Close();
  });
  Add("b", "b");
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a"));
}

TEST_F(CallbackQueueTest, TheQueueMayGoBeforeItsTasksRun) {
  Add("a", "a");
  queue_->Close();
  queue_.reset();
  dispatcher_.RunPosted();
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(CallbackQueueTest, AnIdleQueueIsNotAwaited) {
  SimulatedClock clock;
  EXPECT_TRUE(queue_->AwaitIdle(&clock, clock.TimeNow()));
}

TEST(CallbackQueueThreadTest, ARunningCallbackIsAwaitedUntilTheDeadline) {
  SimulatedClock clock;
  ThreadEventLoop dispatcher(&RealClock());
  auto queue = std::make_shared<CallbackQueue>(&dispatcher);
  absl::Notification started, release;
  queue->Add({"broker:1", "a"}, [&] {
    started.Notify();
    release.WaitForNotification();
  });
  started.WaitForNotification();
  queue->Close();
  EXPECT_FALSE(queue->AwaitIdle(&clock, clock.TimeNow()));
  release.Notify();
  EXPECT_TRUE(queue->AwaitIdle(&clock, absl::InfiniteFuture()));
}

TEST(CallbackQueueDeathTest, ACallbackThatThrowsEndsTheProcess) {
  ManualEventLoop dispatcher;
  auto queue = std::make_shared<CallbackQueue>(&dispatcher);
  queue->Add({"broker:1", "a"}, [] { throw 1; });
  EXPECT_DEATH(dispatcher.RunPosted(), "terminate");
}

}  // namespace
}  // namespace rmq
