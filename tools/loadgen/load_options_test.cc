#include "tools/loadgen/load_options.h"

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(LoadOptionsTest, APaceIsAnIntervalARateAClosedLoopSilenceOrOnce) {
  EXPECT_EQ(ParsePace("30s")->kind, Pace::Kind::kInterval);
  EXPECT_EQ(ParsePace("30s")->interval, absl::Seconds(30));
  EXPECT_EQ(ParsePace("4000/s")->kind, Pace::Kind::kRate);
  EXPECT_EQ(ParsePace("4000/s")->rate, 4000);
  EXPECT_EQ(ParsePace("closed")->kind, Pace::Kind::kClosedLoop);
  EXPECT_EQ(ParsePace("silent")->kind, Pace::Kind::kSilent);
  EXPECT_EQ(ParsePace("once")->kind, Pace::Kind::kOnce);
}

TEST(LoadOptionsTest, APaceHasItsEdges) {
  EXPECT_TRUE(ParsePace("1ms").ok());
  EXPECT_FALSE(ParsePace("999us").ok());
  EXPECT_TRUE(ParsePace("24h").ok());
  EXPECT_FALSE(ParsePace("24h1ms").ok());
  EXPECT_TRUE(ParsePace("0.01/s").ok());
  EXPECT_FALSE(ParsePace("0.009/s").ok());
  EXPECT_TRUE(ParsePace("10000000/s").ok());
  EXPECT_FALSE(ParsePace("10000001/s").ok());
  for (const char* const bad : {"", "30", "/s", "x/s", "nan/s", "inf", "-1s"}) {
    EXPECT_THAT(std::string(ParsePace(bad).status().message()),
                StartsWith("pace must be"))
        << bad;
  }
}

TEST(LoadOptionsTest, TheDefaultsAreGood) {
  EXPECT_TRUE(LoadOptions().Validate().ok());
}

TEST(LoadOptionsTest, WhatMakesNoSenseIsNamed) {
  const struct {
    const char* field;
    std::function<void(LoadOptions&)> spoil;
  } kCases[] = {
      {"broker", [](LoadOptions& o) { o.broker = ""; }},
      {"connections", [](LoadOptions& o) { o.connections = 0; }},
      {"connections", [](LoadOptions& o) { o.connections = o.streams + 1; }},
      {"streams", [](LoadOptions& o) { o.streams = 0; }},
      {"groups", [](LoadOptions& o) { o.groups = 0; }},
      {"groups",
       [](LoadOptions& o) {
         o.groups = 1;
         o.consumer_groups = 2;
       }},
      {"producer_groups", [](LoadOptions& o) { o.producer_groups = -1; }},
      {"producer_groups",
       [](LoadOptions& o) { o.producer_groups = o.consumer_groups = 0; }},
      {"consumer_groups", [](LoadOptions& o) { o.consumer_groups = 257; }},
      {"subscriptions", [](LoadOptions& o) { o.subscriptions = 1025; }},
      {"jitter", [](LoadOptions& o) { o.jitter = 1; }},
      {"churn", [](LoadOptions& o) { o.churn = -1; }},
      {"warmup", [](LoadOptions& o) { o.warmup = -absl::Seconds(1); }},
      {"duration",
       [](LoadOptions& o) { o.duration = absl::InfiniteDuration(); }},
      {"live", [](LoadOptions& o) { o.live = -absl::Seconds(1); }},
      {"opening", [](LoadOptions& o) { o.opening = 0; }},
      {"opening_timeout",
       [](LoadOptions& o) { o.opening_timeout = -absl::Seconds(1); }},
      {"answer_timeout",
       [](LoadOptions& o) { o.answer_timeout = -absl::Seconds(1); }},
      {"threads", [](LoadOptions& o) { o.threads = 65; }},
      {"client_prefix", [](LoadOptions& o) { o.client_prefix = ""; }},
      {"server_pid", [](LoadOptions& o) { o.server_pid = -1; }},
  };
  for (const auto& [field, spoil] : kCases) {
    LoadOptions options;
    spoil(options);
    const absl::Status status = options.Validate();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << field;
    EXPECT_THAT(std::string(status.message()), StartsWith(field));
    EXPECT_THAT(std::string(status.message()), HasSubstr("must")) << field;
  }
}

}  // namespace
}  // namespace rmq::loadgen
