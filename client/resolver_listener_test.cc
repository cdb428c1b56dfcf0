#include "client/resolver_listener.h"

#include <vector>

#include "client/broker_entry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

const BrokerEntry kFirst{"broker-a", 0, "127.0.0.1:1"};
const BrokerEntry kSecond{"broker-b", 0, "127.0.0.1:2"};

class ResolverListenerTest : public ::testing::Test {
 protected:
  int calls_ = 0;
  ResolverListener listener_{[this] { ++calls_; }};
};

TEST_F(ResolverListenerTest, AListIsAnnouncedAndTaken) {
  listener_.OnBrokers({kFirst});
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(listener_.Take(), ElementsAre(kFirst));
}

TEST_F(ResolverListenerTest, ListsThatWaitAreAnnouncedOnceAndTheLatestIsTaken) {
  listener_.OnBrokers({kFirst});
  listener_.OnBrokers({kFirst, kSecond});
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(listener_.Take(), ElementsAre(kFirst, kSecond));
}

TEST_F(ResolverListenerTest, AListAfterOneThatWasTakenIsAnnouncedAgain) {
  listener_.OnBrokers({kFirst});
  listener_.Take();
  listener_.OnBrokers({kSecond});
  EXPECT_EQ(calls_, 2);
  EXPECT_THAT(listener_.Take(), ElementsAre(kSecond));
}

TEST_F(ResolverListenerTest, AListThatDoesNotValidateIsDropped) {
  listener_.OnBrokers({kFirst});
  listener_.OnBrokers({kSecond, kSecond});
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(listener_.Take(), ElementsAre(kFirst));
}

TEST_F(ResolverListenerTest, AfterCloseNothingIsAnnounced) {
  listener_.Close();
  listener_.OnBrokers({kFirst});
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace rmq
