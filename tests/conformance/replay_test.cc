#include "tests/conformance/replay.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A producer enters two groups by one heartbeat and then states one of them. A
// scan closes the channel if the other one has not been refreshed as well.
std::string TwoGroupsOfOneHeartbeat(absl::string_view release,
                                    absl::string_view events,
                                    absl::string_view closed) {
  constexpr char kAnswer[] =
      R"("expect":{"code":0,"codeName":"SUCCESS",)"
      R"("ext":{"IS_SUB_CHANGE":"true","IS_SUPPORT_HEART_BEAT_V2":"true"}}})"
      "\n";
  return absl::StrCat(
      R"({"format":"client-manager-trace/1","rocketmq":")", release,
      R"(","config":{"channelExpiredTimeoutMs":120000,)"
      R"("producerChannelExpiredTimeoutMs":120000}})"
      "\n",
      R"({"op":"open_channel","channel":"ch1","expect":{}})"
      "\n",
      R"({"op":"heartbeat","channel":"ch1","body":{"clientID":"c1",)"
      R"("producerDataSet":[{"groupName":"a"},{"groupName":"b"}]},)",
      kAnswer,
      R"({"op":"advance","ms":60000,"expect":{}})"
      "\n",
      R"({"op":"heartbeat","channel":"ch1","body":{"clientID":"c1",)"
      R"("producerDataSet":[{"groupName":"a"}]},)",
      kAnswer,
      R"({"op":"advance","ms":60001,"expect":{}})"
      "\n",
      R"({"op":"scan","expect":{"events":[)", events, R"(],"closed":[)", closed,
      "]}}\n");
}

constexpr char kBothLeave[] =
    R"({"kind":"producer","type":"CLIENT_UNREGISTER","group":"a",)"
    R"("clientId":"c1","channel":"ch1"},)"
    R"({"kind":"producer","type":"GROUP_UNREGISTER","group":"a"},)"
    R"({"kind":"producer","type":"CLIENT_UNREGISTER","group":"b",)"
    R"("clientId":"c1","channel":"ch1"},)"
    R"({"kind":"producer","type":"GROUP_UNREGISTER","group":"b"})";

std::vector<std::string> DifferencesIn(const std::string& text) {
  const absl::StatusOr<Recording> recording = ParseRecording("x.jsonl", text);
  EXPECT_THAT(recording, IsOk());
  return Replay(*recording, Counting::kOff).differences;
}

TEST(ReplayTest, TheRulesAreThoseOfTheReleaseThatTheHeaderNames) {
  EXPECT_THAT(DifferencesIn(TwoGroupsOfOneHeartbeat("5.4.0", "", "")),
              IsEmpty());
  EXPECT_THAT(
      DifferencesIn(TwoGroupsOfOneHeartbeat("5.5.1", kBothLeave, R"("ch1")")),
      IsEmpty());
}

TEST(ReplayTest, WhatAnotherReleaseDidIsADifference) {
  EXPECT_THAT(DifferencesIn(TwoGroupsOfOneHeartbeat("5.5.1", "", "")),
              ElementsAre(StartsWith("x.jsonl:7: the model of Java differs")));
}

TEST(ReplayTest, AnUnknownReleaseIsNamedWithThoseThatAreKnown) {
  EXPECT_THAT(DifferencesIn(TwoGroupsOfOneHeartbeat("5.6.0", "", "")),
              ElementsAre("x.jsonl:1: rocketmq must be 5.4.0, 5.5.0 or 5.5.1, "
                          "got \"5.6.0\""));
}

}  // namespace
}  // namespace rmq::conformance
