#include "client/loop/ordered_callbacks.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/testing/manual_event_loop.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OrderedCallbacksTest : public ::testing::Test {
 protected:
  void Add(const std::string& name) {
    callbacks_->Add([this, name] { ran_.push_back(name); });
  }

  ManualEventLoop loop_;
  std::vector<std::string> ran_;
  int rooms_ = 0;
  const std::shared_ptr<OrderedCallbacks> callbacks_ =
      std::make_shared<OrderedCallbacks>(&loop_, 4, [this] { ++rooms_; });
};

TEST_F(OrderedCallbacksTest, AllRunInTheOrderOfAddition) {
  Add("a");
  Add("a");
  Add("b");
  EXPECT_THAT(ran_, IsEmpty());
  loop_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a", "a", "b"));
  EXPECT_EQ(rooms_, 0);
}

TEST_F(OrderedCallbacksTest, OthersOfTheDispatcherHaveTheirTurnInBetween) {
  Add("a");
  Add("b");
  loop_.Post([this] { ran_.push_back("other"); });
  loop_.RunPosted();
  EXPECT_THAT(ran_, ElementsAre("a", "other", "b"));
}

TEST_F(OrderedCallbacksTest, AnOwnerWithoutRoomIsToldOnceWhenHalfHaveRun) {
  for (const char* name : {"a", "b", "c"}) Add(name);
  EXPECT_TRUE(callbacks_->HasRoom());
  Add("d");
  EXPECT_FALSE(callbacks_->HasRoom());
  loop_.RunOne();
  EXPECT_EQ(rooms_, 0);
  loop_.RunOne();
  EXPECT_EQ(rooms_, 1);
  EXPECT_TRUE(callbacks_->HasRoom());
  loop_.RunPosted();
  EXPECT_EQ(rooms_, 1);
}

TEST_F(OrderedCallbacksTest, AfterCloseNothingRuns) {
  for (const char* name : {"a", "b", "c", "d"}) Add(name);
  EXPECT_FALSE(callbacks_->HasRoom());
  callbacks_->Close();
  Add("e");
  loop_.RunPosted();
  EXPECT_THAT(ran_, IsEmpty());
  EXPECT_EQ(rooms_, 0);
}

TEST_F(OrderedCallbacksTest, ACallbackMayCloseTheQueue) {
  callbacks_->Add([this] { callbacks_->Close(); });
  Add("b");
  loop_.RunPosted();
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(OrderedCallbacksTest, TheCallbackThatRunsIsWaitedFor) {
  SimulatedClock clock;
  bool idle = true;
  callbacks_->Add(
      [&] { idle = callbacks_->AwaitIdle(&clock, clock.TimeNow()); });
  loop_.RunPosted();
  EXPECT_FALSE(idle);
  EXPECT_TRUE(callbacks_->AwaitIdle(&clock, clock.TimeNow()));
}

}  // namespace
}  // namespace rmq
