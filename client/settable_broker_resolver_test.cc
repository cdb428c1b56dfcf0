#include "client/settable_broker_resolver.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const BrokerEntry& kA = *new BrokerEntry{"broker-a", 0, "a:1"};
const BrokerEntry& kB = *new BrokerEntry{"broker-b", 0, "b:1"};

// Notes the lists, and then does what the test wants.
class RecordingListener final : public BrokerResolver::Listener {
 public:
  void OnBrokers(const std::vector<BrokerEntry>& brokers) override {
    lists.push_back(brokers);
    if (then) then();
  }

  std::vector<std::vector<BrokerEntry>> lists;
  std::function<void()> then;
};

class SettableBrokerResolverTest : public ::testing::Test {
 protected:
  SettableBrokerResolver resolver_;
  std::shared_ptr<RecordingListener> listener_ =
      std::make_shared<RecordingListener>();
};

TEST_F(SettableBrokerResolverTest, BeforeTheFirstListNothingIsTold) {
  resolver_.AddListener(listener_);
  EXPECT_THAT(listener_->lists, IsEmpty());
}

TEST_F(SettableBrokerResolverTest, AListenerIsToldThePresentListAndLaterOnes) {
  ASSERT_THAT(resolver_.SetBrokers({kA}), IsOk());
  ASSERT_THAT(resolver_.SetBrokers({kA, kB}), IsOk());
  resolver_.AddListener(listener_);
  EXPECT_THAT(listener_->lists, ElementsAre(ElementsAre(kA, kB)));
  ASSERT_THAT(resolver_.SetBrokers({}), IsOk());
  EXPECT_THAT(listener_->lists, ElementsAre(ElementsAre(kA, kB), IsEmpty()));
}

TEST_F(SettableBrokerResolverTest, AnotherListenerIsNoNewsForTheFirst) {
  ASSERT_THAT(resolver_.SetBrokers({kA}), IsOk());
  resolver_.AddListener(listener_);
  const auto second = std::make_shared<RecordingListener>();
  resolver_.AddListener(second);
  EXPECT_THAT(listener_->lists, SizeIs(1));
  EXPECT_THAT(second->lists, SizeIs(1));
}

TEST_F(SettableBrokerResolverTest, ABadListIsRefusedAndTheOneBeforeStays) {
  ASSERT_THAT(resolver_.SetBrokers({kA}), IsOk());
  EXPECT_THAT(resolver_.SetBrokers({kA, kA}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  resolver_.AddListener(listener_);
  EXPECT_THAT(listener_->lists, ElementsAre(ElementsAre(kA)));
}

TEST_F(SettableBrokerResolverTest, AListenerThatIsGoneIsToldNothing) {
  resolver_.AddListener(listener_);
  const std::weak_ptr<RecordingListener> weak = listener_;
  listener_ = nullptr;
  EXPECT_TRUE(weak.expired());
  EXPECT_THAT(resolver_.SetBrokers({kA}), IsOk());
}

TEST_F(SettableBrokerResolverTest, AListSetInsideACallIsToldAfterIt) {
  listener_->then = [this] {
    if (listener_->lists.size() == 1) {
      EXPECT_THAT(resolver_.SetBrokers({kB}), IsOk());
      EXPECT_THAT(listener_->lists, SizeIs(1));
    }
  };
  resolver_.AddListener(listener_);
  ASSERT_THAT(resolver_.SetBrokers({kA}), IsOk());
  EXPECT_THAT(listener_->lists, ElementsAre(ElementsAre(kA), ElementsAre(kB)));
}

TEST_F(SettableBrokerResolverTest, AListSetDuringACallDoesNotWaitForIt) {
  absl::Notification in_call, go_on;
  listener_->then = [&] {
    if (listener_->lists.size() > 1) return;
    in_call.Notify();
    go_on.WaitForNotification();
  };
  resolver_.AddListener(listener_);
  std::thread first(
      [this] { ASSERT_THAT(resolver_.SetBrokers({kA}), IsOk()); });
  in_call.WaitForNotification();
  EXPECT_THAT(resolver_.SetBrokers({kA, kB}), IsOk());
  EXPECT_THAT(resolver_.SetBrokers({kB}), IsOk());
  go_on.Notify();
  first.join();
  EXPECT_THAT(listener_->lists, ElementsAre(ElementsAre(kA), ElementsAre(kB)));
}

}  // namespace
}  // namespace rmq
