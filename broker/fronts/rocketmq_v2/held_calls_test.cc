#include "broker/fronts/rocketmq_v2/held_calls.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

class HeldCallsTest : public ::testing::Test {
 protected:
  // Keeps the place, if there is one.
  CallStatus Take(const std::string& client_id, const std::string& topic,
                  const std::string& address, size_t most = 1,
                  const std::string& user = "") {
    std::unique_ptr<HeldCalls::Place> place;
    CallStatus status =
        calls_.Take(client_id, topic, {address, ClientNetworkOf(address), user},
                    most, &place);
    EXPECT_EQ(status.ok(), place != nullptr);
    if (place != nullptr) places_.push_back(std::move(place));
    return status;
  }

  HeldCalls calls_;
  std::vector<std::unique_ptr<HeldCalls::Place>> places_;
};

TEST_F(HeldCallsTest, AClientHasAsManyCallsOfATopicAsItMay) {
  EXPECT_TRUE(Take("c1", "T", "10.0.0.1:1", 2).ok());
  EXPECT_TRUE(Take("c1", "T", "10.0.0.1:1", 2).ok());
  const CallStatus third = Take("c1", "T", "10.0.0.1:1", 2);
  EXPECT_EQ(CodeOf(third), v2::NOT_IMPLEMENTED);
  EXPECT_THAT(third.message, HasSubstr("c1"));
  EXPECT_THAT(third.message, HasSubstr("at most 2"));
  // Another topic, another client.
  EXPECT_TRUE(Take("c1", "U", "10.0.0.1:1").ok());
  EXPECT_TRUE(Take("c2", "T", "10.0.0.1:1").ok());
  EXPECT_EQ(calls_.size(), 4);
}

TEST_F(HeldCallsTest, AClientWithTheSameIdElsewhereHasPlacesOfItsOwn) {
  EXPECT_TRUE(Take("c1", "T", "10.0.0.1:1").ok());
  EXPECT_TRUE(Take("c1", "T", "10.0.0.2:1").ok());
  EXPECT_FALSE(Take("c1", "T", "10.0.0.2:2").ok());
}

TEST_F(HeldCallsTest, APlaceIsFreeOnceItsCallIsOver) {
  EXPECT_TRUE(Take("c1", "T", "10.0.0.1:1").ok());
  EXPECT_FALSE(Take("c1", "T", "10.0.0.1:1").ok());
  places_.clear();
  EXPECT_EQ(calls_.size(), 0);
  EXPECT_TRUE(Take("c1", "T", "10.0.0.1:1").ok());
}

TEST_F(HeldCallsTest, AnAddressHasAtMostHalfAndAllHaveTheWhole) {
  for (const char* const network : {"10.0.0.1", "10.0.0.2"}) {
    for (size_t i = 0; i < HeldCalls::kMostOfPayer; ++i) {
      ASSERT_TRUE(Take(absl::StrCat("c", i, network), "T",
                       absl::StrCat(network, ":", i))
                      .ok());
    }
    if (calls_.size() < HeldCalls::kMost) {
      EXPECT_THAT(Take("c", "T", absl::StrCat(network, ":1")).message,
                  HasSubstr("of one address"));
    }
  }
  EXPECT_EQ(calls_.size(), HeldCalls::kMost);
  EXPECT_THAT(Take("c", "T", "10.0.0.3:1").message, HasSubstr("20000"));
  places_.pop_back();
  EXPECT_TRUE(Take("c", "T", "10.0.0.3:1").ok());
}

TEST_F(HeldCallsTest, AUserBehindTheAddressOfOthersHasAHalfOfHisOwn) {
  for (size_t i = 0; i < HeldCalls::kMostOfPayer; ++i) {
    ASSERT_TRUE(Take(absl::StrCat("c", i), "T", "10.0.0.1:1").ok());
  }
  EXPECT_FALSE(Take("c", "T", "10.0.0.1:1").ok());
  for (size_t i = 1; i < HeldCalls::kMostOfPayer; ++i) {
    ASSERT_TRUE(Take(absl::StrCat("u", i), "T", "10.0.0.1:1", 1, "pay").ok());
  }
  EXPECT_TRUE(Take("u", "T", "10.0.0.2:1", 1, "pay").ok());
  places_.erase(places_.begin());  // Of one that is anonymous.
  EXPECT_THAT(Take("u", "T", "10.0.0.3:1", 1, "pay").message,
              HasSubstr("of one user"));
}

}  // namespace
}  // namespace rmq
