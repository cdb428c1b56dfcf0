#include "common/rpc/server/unread_answers.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/deadline_watch.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kShare = UnreadAnswers::kMostBytesOfAnAddress;
// That counts.
constexpr int64_t kLeast = UnreadAnswers::kSmall + 1;

// Notes its name and why it is ended.
class Call final : public Waiter {
 public:
  Call(std::string name, std::vector<std::string>* ended)
      : name_(std::move(name)), ended_(*ended) {}
  absl::Time EndIfWaitingSince(WaitsFor /*what*/,
                               absl::Time /*limit*/) override {
    return absl::InfiniteFuture();
  }
  void EndIfWaiting(const CallStatus& status) override {
    ended_.push_back(name_);
    why = status.message;
  }
  std::string why;

 private:
  const std::string name_;
  std::vector<std::string>& ended_;
};

class UnreadAnswersTest : public ::testing::Test {
 protected:
  UnreadAnswers::Number Add(const std::string& name, ClientNetwork network,
                            int64_t bytes) {
    calls_.push_back(std::make_shared<Call>(name, &ended_));
    const UnreadAnswers::Number number =
        unread_.Add(calls_.back(), network, bytes);
    unread_.Limit(network);
    return number;
  }

  std::vector<std::string> ended_;
  std::vector<std::shared_ptr<Call>> calls_;
  UnreadAnswers unread_;
};

TEST_F(UnreadAnswersTest, AnAddressMayHaveItsShareAndLosesItsFirstBeyond) {
  Add("a", 1, kShare - 2 * kLeast);
  Add("b", 1, kLeast);
  Add("c", 1, kLeast);
  EXPECT_THAT(ended_, IsEmpty());
  Add("d", 1, kLeast);
  EXPECT_THAT(ended_, ElementsAre("a"));
  EXPECT_THAT(calls_[0]->why, HasSubstr("16777216 bytes of one address"));
  EXPECT_EQ(unread_.bytes(), 3 * kLeast);
}

TEST_F(UnreadAnswersTest, ASmallAnswerIsNotCounted) {
  Add("full", 1, kShare);
  EXPECT_EQ(Add("small", 1, UnreadAnswers::kSmall), 0);
  EXPECT_THAT(ended_, IsEmpty());
  EXPECT_NE(Add("larger", 1, UnreadAnswers::kSmall + 1), 0);
  EXPECT_THAT(ended_, ElementsAre("full"));
}

TEST_F(UnreadAnswersTest, OthersKeepTheirsThoughTheyWereFirst) {
  Add("other", 2, 2000);
  Add("a", 1, kShare);
  Add("b", 1, kShare);
  EXPECT_THAT(ended_, ElementsAre("a"));
  EXPECT_EQ(unread_.bytes(), kShare + 2000);
}

TEST_F(UnreadAnswersTest, OfAllTheFirstGoesOnceTheyAreTooManyTogether) {
  Add("a", 1, kShare);
  Add("b", 2, kShare);
  EXPECT_THAT(ended_, IsEmpty());
  Add("c", 3, kLeast);
  EXPECT_THAT(ended_, ElementsAre("a"));
  EXPECT_THAT(calls_[0]->why, HasSubstr("33554432 bytes together"));
}

TEST_F(UnreadAnswersTest, WhatIsReadCountsNoLonger) {
  const UnreadAnswers::Number a = Add("a", 1, kShare);
  unread_.Remove(a);
  unread_.Remove(a);
  Add("b", 1, kShare);
  EXPECT_THAT(ended_, IsEmpty());
  EXPECT_EQ(unread_.addresses(), 1);
}

TEST_F(UnreadAnswersTest, AnAddressIsForgottenWithItsLastAnswer) {
  const UnreadAnswers::Number a = Add("a", 1, kLeast);
  const UnreadAnswers::Number b = Add("b", 1, 2 * kLeast);
  unread_.Remove(a);
  EXPECT_EQ(unread_.addresses(), 1);
  unread_.Remove(b);
  EXPECT_EQ(unread_.addresses(), 0);
  EXPECT_EQ(unread_.bytes(), 0);
  unread_.Remove(0);
}

TEST_F(UnreadAnswersTest, AnAnswerThatIsMoreThanTheShareGoesItself) {
  Add("a", 1, kShare + 1);
  EXPECT_THAT(ended_, ElementsAre("a"));
  EXPECT_EQ(unread_.bytes(), 0);
}

TEST_F(UnreadAnswersTest, ACallThatIsGoneIsPassedOver) {
  Add("a", 1, kShare);
  calls_.clear();
  Add("b", 1, kLeast);
  EXPECT_THAT(ended_, IsEmpty());
  EXPECT_EQ(unread_.bytes(), kLeast);
}

}  // namespace
}  // namespace rmq
