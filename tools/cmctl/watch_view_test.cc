#include "tools/cmctl/watch_view.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/watch/watched_event.h"
#include "common/client_types.h"
#include "common/member_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixMillis(1'764'439'973'250);

WatchedEvent Left(const std::string& group, const std::string& client_id) {
  WatchedEvent event;
  event.revision = 12;
  event.time = kNow;
  event.type = WatchedEvent::Type::kClientUnregister;
  event.member.group = group;
  event.member.client_id = client_id;
  event.member.remote_address = "127.0.0.1:5000";
  event.member.channel_id = 9;
  event.member.language = LanguageCode::kCpp;
  event.member.labels = {{"zone", "a"}};
  event.reason = RemovalReason::kExpired;
  return event;
}

// Of one broker, which is called as its address.
WatchView ViewOf(const std::string& address) {
  WatchView view(/*shows_brokers=*/false, absl::UTCTimeZone());
  view.SetBrokers({{address, address}});
  return view;
}

// Of several, "h:1" called a:0, and so on.
WatchView ViewOfSeveral(int count) {
  WatchView view(/*shows_brokers=*/true, absl::UTCTimeZone());
  std::map<std::string, std::string> labels;
  for (int i = 0; i < count; ++i) {
    labels[absl::StrCat("h:", i + 1)] =
        absl::StrCat(std::string(1, static_cast<char>('a' + i)), ":0");
  }
  view.SetBrokers(labels);
  return view;
}

WatchState Connected() {
  return {true, absl::OkStatus(), absl::InfiniteFuture()};
}

TEST(WatchViewTest, AnEventIsALine) {
  EXPECT_EQ(EventLine(Left("orders", "c1"), absl::UTCTimeZone()),
            "2025-11-29 18:12:53.250 CLIENT_UNREGISTER revision=12 "
            "kind=consumer group=orders client_id=c1 remote=127.0.0.1:5000 "
            "reason=EXPIRED labels=zone=a");
}

TEST(WatchViewTest, AnEventOfOneOfSeveralBrokersNamesIt) {
  EXPECT_THAT(EventLine(Left("orders", "c1"), absl::UTCTimeZone(), "a:0"),
              HasSubstr(" CLIENT_UNREGISTER broker=a:0 revision=12 "));
  EXPECT_EQ(ShortEventLine(Left("orders", "c1"), absl::UTCTimeZone(), "a:0"),
            "18:12:53 a:0 CLIENT_UNREGISTER orders c1 EXPIRED");
}

TEST(WatchViewTest, WhatClientsChooseIsEscaped) {
  const std::string line =
      EventLine(Left("or\nders", "c\x1b[2J"), absl::UTCTimeZone());
  EXPECT_THAT(line, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  WatchView view = ViewOf("h:1");
  view.Add("h:1", Left("or\nders", "c\x1b[2J"));
  view.SetGroups("h:1", {{"g\x1b[2J", false, 1}});
  view.SetState("h:1", {false, absl::UnavailableError("a\x1b[2J"), kNow});
  EXPECT_THAT(view.Show(80, 24, kNow), Not(HasSubstr("\x1b")));
}

TEST(WatchViewTest, AnEventIsProtobufsJsonInALine) {
  EXPECT_THAT(EventJson(Left("orders", "c1")),
              AllOf(StartsWith("{\"revision\":\"12\","),
                    HasSubstr("\"time\":\"2025-11-29T18:12:53.250Z\""),
                    HasSubstr("\"type\":\"TYPE_CLIENT_UNREGISTER\""),
                    HasSubstr("\"kind\":\"GROUP_KIND_CONSUMER\""),
                    HasSubstr("\"labels\":{\"zone\":\"a\"}"),
                    HasSubstr("\"reason\":\"REMOVAL_REASON_EXPIRED\""),
                    HasSubstr("\"channel_id\":\"9\",\"stream\":false"),
                    HasSubstr("\"language\":\"LANGUAGE_CODE_CPP\""),
                    Not(HasSubstr("\n"))));
}

TEST(WatchViewTest, TextIsCutBetweenCharacters) {
  EXPECT_EQ(FitTo("abc", 3), "abc");
  EXPECT_EQ(FitTo("abc", 2), "ab");
  EXPECT_EQ(FitTo("a\u00e4\u00e4", 2), "a\u00e4");
}

TEST(WatchViewTest, TheTableHasTheGroupsAndWhatHappenedToThem) {
  WatchView view = ViewOf("h:1");
  view.SetState("h:1", Connected());
  view.SetGroups("h:1", {{"orders", false, 3}, {"bills", true, 1}});
  view.Add("h:1", Left("orders", "c1"));
  view.Add("h:1", Left("orders", "c2"));
  const std::string text = view.Show(120, 24, kNow + absl::Seconds(5));
  EXPECT_THAT(text, StartsWith("broker h:1: watched, revision 12\n"));
  EXPECT_THAT(text,
              HasSubstr("orders  consumer  3        0       2     5s ago"));
  EXPECT_THAT(text, HasSubstr("bills   producer  1        0       0     -"));
  EXPECT_THAT(text,
              HasSubstr("\n18:12:53 CLIENT_UNREGISTER orders c2 EXPIRED\n"));
}

TEST(WatchViewTest, TheTableFitsTheScreen) {
  WatchView view = ViewOf("h:1");
  std::vector<WatchedGroup> groups;
  for (int i = 0; i < 100; ++i) {
    groups.push_back({absl::StrCat("group", i), false, 1});
    view.Add("h:1", Left(absl::StrCat("group", i), "c"));
  }
  view.SetGroups("h:1", groups);
  for (const size_t rows : {2, 5, 10, 24, 60}) {
    for (const size_t columns : {1, 20, 80}) {
      const std::vector<std::string> lines =
          absl::StrSplit(view.Show(columns, rows, kNow), '\n');
      EXPECT_LE(lines.size(), rows);  // With the cursor's.
      for (const std::string& line : lines) EXPECT_LE(line.size(), columns);
    }
  }
  const std::string text = view.Show(80, 24, kNow);
  EXPECT_THAT(text, HasSubstr("and 88 more"));
  EXPECT_THAT(text, HasSubstr("group99 c EXPIRED"));
}

TEST(WatchViewTest, ABrokerThatIsAwayIsSaidToBe) {
  WatchView view = ViewOf("h:1");
  EXPECT_THAT(view.Show(80, 24, kNow), StartsWith("broker h:1: connecting\n"));
  view.SetState("h:1", {false, absl::UnavailableError("refused"), kNow});
  EXPECT_THAT(view.Show(80, 24, kNow),
              StartsWith("broker h:1: away: refused\n"));
}

TEST(WatchViewTest, AGroupsBrokersStandBelowEachOther) {
  WatchView view = ViewOfSeveral(2);
  view.SetState("h:1", Connected());
  view.SetState("h:2", Connected());
  view.SetGroups("h:1", {{"orders", false, 3}, {"bills", true, 1}});
  view.SetGroups("h:2", {{"orders", false, 2}});
  view.Add("h:2", Left("orders", "c1"));
  const std::string text = view.Show(120, 24, kNow + absl::Seconds(5));
  EXPECT_THAT(text,
              StartsWith("2 brokers: 2 watched\n\n"
                         "BROKER  GROUP   KIND      MEMBERS  JOINED  LEFT  "
                         "LAST EVENT\n"
                         "a:0     orders  consumer  3        0       0     -\n"
                         "b:0     orders  consumer  2        0       1     5s "
                         "ago\n"
                         "a:0     bills   producer  1        0       0     "
                         "-\n"));
  EXPECT_THAT(text, HasSubstr("\n18:12:53 b:0 CLIENT_UNREGISTER orders c1"));
}

TEST(WatchViewTest, BrokersThatAreAwayAreNamedAboveTheTable) {
  WatchView view = ViewOfSeveral(5);
  view.SetState("h:1", Connected());
  view.SetState("h:2", {false, absl::UnavailableError("refused"), kNow});
  EXPECT_THAT(view.Show(80, 24, kNow),
              StartsWith("5 brokers: 1 watched\n  b:0 away: refused\n"
                         "  c:0 connecting\n  d:0 connecting\n"
                         "  and 1 more\n\n"));
  for (const size_t rows : {2, 5, 8, 10, 24}) {
    const std::vector<std::string> lines =
        absl::StrSplit(view.Show(80, rows, kNow), '\n');
    EXPECT_LE(lines.size(), rows);
  }
}

TEST(WatchViewTest, ABrokerThatIsLeftTakesItsRowsAlongAndAnotherKeepsThem) {
  WatchView view = ViewOfSeveral(2);
  view.SetGroups("h:1", {{"orders", false, 3}});
  view.SetGroups("h:2", {{"orders", false, 2}});
  view.Add("h:2", Left("orders", "c1"));
  view.SetBrokers({{"h:2", "b:0"}, {"h:3", "c:0"}});
  view.SetGroups("h:1", {{"orders", false, 3}});  // It was told too late.
  const std::string text = view.Show(120, 24, kNow);
  EXPECT_THAT(text, StartsWith("2 brokers: "));
  EXPECT_THAT(text, Not(HasSubstr("a:0")));
  EXPECT_THAT(text, HasSubstr("b:0     orders  consumer  2        0       1"));
}

TEST(WatchViewTest, TheLastEventsAreKeptAndNoMore) {
  WatchView view = ViewOf("h:1");
  for (size_t i = 0; i <= WatchView::kLastEvents; ++i) {
    view.AddLine(absl::StrCat("line ", i, "."));
  }
  const std::string text = view.Show(80, 1000, kNow);
  EXPECT_THAT(text, Not(HasSubstr("line 0.")));
  EXPECT_THAT(text, HasSubstr("line 1."));
}

}  // namespace
}  // namespace rmq::cmctl
