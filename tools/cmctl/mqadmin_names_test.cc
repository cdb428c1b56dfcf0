#include "tools/cmctl/mqadmin_names.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<std::string> From(const std::vector<std::string>& arguments) {
  const auto ours = FromMqadmin(arguments);
  EXPECT_THAT(ours, IsOk());
  return ours.value_or(std::vector<std::string>());
}
std::string Error(const std::vector<std::string>& arguments) {
  const absl::Status status = FromMqadmin(arguments).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  return std::string(status.message());
}

TEST(MqadminNamesTest, OtherCommandsAreLeftAsTheyAre) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"help"},
                                             {"groups", "-n", "x"},
                                             {"ids", "consumerConnection"}}) {
    EXPECT_THAT(From(arguments), ElementsAreArray(arguments));
  }
}

TEST(MqadminNamesTest, EachNameIsACommand) {
  EXPECT_THAT(From({"consumerConnection", "-g", "orders"}),
              ElementsAre("connections", "--", "orders"));
  EXPECT_THAT(From({"producerConnection", "-g", "orders", "-t", "paid"}),
              ElementsAre("connections", "--kind=producer", "--", "orders"));
  EXPECT_THAT(From({"consumerStatus", "--consumerGroup=orders"}),
              ElementsAre("consistency", "--", "orders"));
  EXPECT_THAT(From({"consumerStatus", "-g", "orders", "-i", "10.0.0.1@a"}),
              ElementsAre("client", "--", "10.0.0.1@a"));
  EXPECT_THAT(From({"clusterList", "--broker=h:1,h:2"}),
              ElementsAre("broker", "--broker=h:1,h:2"));
}

TEST(MqadminNamesTest, TheBrokerAndOurOptionsMayBeGiven) {
  EXPECT_THAT(
      From({"consumerConnection", "-b", "h:1", "-g", "-x", "-o", "json"}),
      ElementsAre("connections", "--broker=h:1", "-o", "json", "--", "-x"));
}

TEST(MqadminNamesTest, HelpIsThatOfTheCommand) {
  EXPECT_THAT(From({"help", "consumerStatus"}),
              ElementsAre("help", "consistency"));
  EXPECT_THAT(From({"consumerStatus", "--help"}),
              ElementsAre("consistency", "--help"));
}

TEST(MqadminNamesTest, WhatHasNoMeaningHereIsRefusedInWords) {
  for (const char* const option : {"-n", "--namesrvAddr"}) {
    EXPECT_THAT(Error({"clusterList", option, "h:9876"}),
                HasSubstr(" names a name server, and there is none here: give "
                          "--broker=HOST:PORT"));
  }
  EXPECT_EQ(Error({"consumerStatus", "-g", "orders", "-s"}),
            "consumerStatus has no -s here; see cmctl help consumerStatus");
  EXPECT_EQ(Error({"consumerConnection"}),
            "consumerConnection needs -g GROUP; see cmctl help "
            "consumerConnection");
  EXPECT_EQ(Error({"consumerConnection", "-g"}), "option -g needs a value");
}

}  // namespace
}  // namespace rmq::cmctl
