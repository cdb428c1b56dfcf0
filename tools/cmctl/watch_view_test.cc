#include "tools/cmctl/watch_view.h"

#include <cstddef>
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

TEST(WatchViewTest, AnEventIsALine) {
  EXPECT_EQ(EventLine(Left("orders", "c1"), absl::UTCTimeZone()),
            "2025-11-29 18:12:53.250 CLIENT_UNREGISTER revision=12 "
            "kind=consumer group=orders client_id=c1 remote=127.0.0.1:5000 "
            "reason=EXPIRED labels=zone=a");
}

TEST(WatchViewTest, WhatClientsChooseIsEscaped) {
  const std::string line =
      EventLine(Left("or\nders", "c\x1b[2J"), absl::UTCTimeZone());
  EXPECT_THAT(line, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b"))));
  WatchView view("h:1", absl::UTCTimeZone());
  view.Add(Left("or\nders", "c\x1b[2J"));
  view.SetGroups({{"g\x1b[2J", false, 1}});
  view.SetState({false, absl::UnavailableError("a\x1b[2J"), kNow});
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
  WatchView view("h:1", absl::UTCTimeZone());
  view.SetState({true, absl::OkStatus(), absl::InfiniteFuture()});
  view.SetGroups({{"orders", false, 3}, {"bills", true, 1}});
  view.Add(Left("orders", "c1"));
  view.Add(Left("orders", "c2"));
  const std::string text = view.Show(120, 24, kNow + absl::Seconds(5));
  EXPECT_THAT(text, StartsWith("broker h:1: watched, revision 12\n"));
  EXPECT_THAT(text,
              HasSubstr("orders  consumer  3        0       2     5s ago"));
  EXPECT_THAT(text, HasSubstr("bills   producer  1        0       0     -"));
  EXPECT_THAT(text,
              HasSubstr("\n18:12:53 CLIENT_UNREGISTER orders c2 EXPIRED\n"));
}

TEST(WatchViewTest, TheTableFitsTheScreen) {
  WatchView view("h:1", absl::UTCTimeZone());
  std::vector<WatchedGroup> groups;
  for (int i = 0; i < 100; ++i) {
    groups.push_back({absl::StrCat("group", i), false, 1});
    view.Add(Left(absl::StrCat("group", i), "c"));
  }
  view.SetGroups(groups);
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
  WatchView view("h:1", absl::UTCTimeZone());
  EXPECT_THAT(view.Show(80, 24, kNow), StartsWith("broker h:1: connecting\n"));
  view.SetState({false, absl::UnavailableError("refused"), kNow});
  EXPECT_THAT(view.Show(80, 24, kNow),
              StartsWith("broker h:1: away: refused\n"));
}

TEST(WatchViewTest, TheLastEventsAreKeptAndNoMore) {
  WatchView view("h:1", absl::UTCTimeZone());
  for (size_t i = 0; i <= WatchView::kLastEvents; ++i) {
    view.AddLine(absl::StrCat("line ", i, "."));
  }
  const std::string text = view.Show(80, 1000, kNow);
  EXPECT_THAT(text, Not(HasSubstr("line 0.")));
  EXPECT_THAT(text, HasSubstr("line 1."));
}

}  // namespace
}  // namespace rmq::cmctl
