#include "tools/cmctl/watch_printer.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/resolver_source.h"
#include "client/watch/watched_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixMillis(1'764'439'973'250);

WatchedEvent Joined(const std::string& group) {
  WatchedEvent event;
  event.revision = 12;
  event.time = kNow;
  event.type = WatchedEvent::Type::kClientRegister;
  event.member.group = group;
  event.member.client_id = "c";
  event.member.remote_address = "h:5";
  return event;
}

class WatchPrinterTest : public ::testing::Test {
 protected:
  WatchPrinterTest()
      : screen_{out_,
                /*is_terminal=*/false,
                [] { return 100; },
                [] { return 24; },
                [] { return true; },
                [] {
                  return TableTime{kNow, absl::UTCTimeZone()};
                }} {
    line_.brokers = {{"a", "h:1", {}}};
  }

  // What was printed since the last call.
  std::string Take() {
    const std::string text = out_.str();
    out_.str("");
    return text;
  }

  CommandLine line_;
  std::ostringstream out_;
  Screen screen_;
};

TEST_F(WatchPrinterTest, OfOneBrokerNoLineNamesIt) {
  WatchPrinter printer(line_, screen_);
  printer.OnState("h:1", {true, absl::OkStatus(), absl::InfiniteFuture()});
  printer.OnEvent("h:1", Joined("orders"));
  EXPECT_EQ(Take(),
            "2025-11-29 18:12:53.250 -- connected\n"
            "2025-11-29 18:12:53.250 CLIENT_REGISTER revision=12 kind=consumer "
            "group=orders client_id=c remote=h:5\n");
}

TEST_F(WatchPrinterTest, OfSeveralBrokersEachLineNamesItsOwn) {
  line_.brokers.push_back({"b", "h:2", {}});
  WatchPrinter printer(line_, screen_);
  printer.OnState("h:2", {true, absl::OkStatus(), absl::InfiniteFuture()});
  EXPECT_THAT(Take(), HasSubstr(" -- connected broker=b\n"));
  printer.OnSynced("h:1", {5, 7});
  EXPECT_THAT(Take(),
              HasSubstr(" -- the members are known broker=a revision=5\n"));
  printer.OnEvent("h:2", Joined("orders"));
  EXPECT_THAT(Take(), HasSubstr(" CLIENT_REGISTER broker=b revision=12 "));
  printer.OnGap("h:1", {5, 7, "kept no more"});
  EXPECT_THAT(Take(), HasSubstr(" -- events are lost broker=a "));
  printer.OnState("h:2", {false, absl::UnavailableError("refused"), kNow});
  EXPECT_THAT(Take(),
              HasSubstr(" -- away, trying again broker=b error=refused\n"));
}

TEST_F(WatchPrinterTest, AnOutageIsSaidOnceAndItsEndToo) {
  WatchPrinter printer(line_, screen_);
  printer.OnState("h:1", {false, absl::UnavailableError("cut"), kNow});
  EXPECT_THAT(Take(), HasSubstr(" -- away, trying again error=cut\n"));
  printer.OnState("h:1", {false, absl::UnavailableError("refused"), kNow});
  printer.OnState("h:1", {false, absl::DeadlineExceededError("late"), kNow});
  EXPECT_EQ(Take(), "");
  printer.OnState("h:1", {false, absl::PermissionDeniedError("you"), kNow});
  EXPECT_THAT(Take(), HasSubstr(" -- away, trying again error=you\n"));
  printer.OnState("h:1", {false, absl::UnavailableError("refused"), kNow});
  printer.OnState("h:1", {false, absl::PermissionDeniedError("you"), kNow});
  EXPECT_EQ(Take(), "");
  printer.OnState("h:1", {true, absl::OkStatus(), absl::InfiniteFuture()});
  EXPECT_THAT(Take(), HasSubstr(" -- connected\n"));
  printer.OnState("h:1", {false, absl::UnavailableError("cut"), kNow});
  EXPECT_THAT(Take(), HasSubstr(" -- away, trying again error=cut\n"));
}

TEST_F(WatchPrinterTest, JsonOfSeveralBrokersHasTheBrokerInEachObject) {
  line_.output = OutputFormat::kJson;
  {
    WatchPrinter printer(line_, screen_);
    printer.OnEvent("h:1", Joined("orders"));
    EXPECT_THAT(Take(), StartsWith("{\"event\":{\"revision\":\"12\","));
  }
  line_.brokers.push_back({"b", "h:2", {}});
  WatchPrinter printer(line_, screen_);
  printer.OnEvent("h:2", Joined("orders"));
  EXPECT_THAT(Take(), StartsWith("{\"broker\":\"b\",\"event\":{"));
  printer.OnState("h:2", {true, absl::OkStatus(), absl::InfiniteFuture()});
  EXPECT_EQ(Take(),
            "{\"broker\":\"b\",\"state\":{\"connected\":true,\"error\":\"\"}}"
            "\n");
}

// The brokers of a cluster.
class WatchClusterTest : public WatchPrinterTest {
 protected:
  // Lists nothing: the test calls the printer itself.
  class NoSource final : public ResolverSource {
   public:
    void AddListener(std::weak_ptr<Listener>) override {}
    ResolverStatus Status() const override { return {}; }
  };

  WatchClusterTest() { line_.cluster = std::make_shared<NoSource>(); }
};

TEST_F(WatchClusterTest, BrokersThatComeAndGoAreTold) {
  WatchPrinter printer(line_, screen_);
  printer.OnBrokers({{"a", 0, "h:1"}, {"b", 0, "h:2"}});
  EXPECT_EQ(Take(), "");  // Their states follow.
  printer.OnEvent("h:2", Joined("orders"));
  EXPECT_THAT(Take(), HasSubstr(" broker=b:0 "));
  printer.OnBrokers({{"a", 0, "h:1"}, {"c", 0, "h:3"}});
  EXPECT_EQ(Take(),
            "2025-11-29 18:12:53.250 -- listed, and watched from now on "
            "broker=c:0\n"
            "2025-11-29 18:12:53.250 -- away and not listed: watched no more "
            "broker=b:0\n");
}

TEST_F(WatchClusterTest, AsJsonToo) {
  line_.output = OutputFormat::kJson;
  WatchPrinter printer(line_, screen_);
  printer.OnBrokers({{"a", 0, "h:1"}});
  printer.OnBrokers({{"b", 0, "h:2"}});
  EXPECT_EQ(Take(),
            "{\"broker\":\"b:0\",\"watched\":true}\n"
            "{\"broker\":\"a:0\",\"watched\":false}\n");
  printer.OnSource(absl::UnavailableError("refused"));
  EXPECT_EQ(Take(), "{\"source\":{\"error\":\"refused\"}}\n");
}

TEST_F(WatchClusterTest, ASourceThatIsAwayIsTold) {
  WatchPrinter printer(line_, screen_);
  printer.OnSource(absl::UnavailableError("refused"));
  EXPECT_THAT(Take(),
              HasSubstr("-- the list of brokers may be old error=refused\n"));
  printer.OnSource(absl::OkStatus());
  EXPECT_THAT(Take(), HasSubstr("-- the list of brokers is known again\n"));
}

TEST_F(WatchClusterTest, OnATerminalTheTableHasTheBrokers) {
  screen_.is_terminal = true;
  WatchPrinter printer(line_, screen_);
  EXPECT_TRUE(printer.live());
  printer.OnBrokers({{"a", 0, "h:1"}, {"b", 0, "h:2"}});
  printer.OnState("h:1", {true, absl::OkStatus(), absl::InfiniteFuture()});
  printer.OnState("h:2", {false, absl::UnavailableError("refused"), kNow});
  EXPECT_EQ(Take(), "");
  GroupsByAddress groups;
  groups.emplace("h:1", std::vector<WatchedGroup>{{"orders", false, 3}});
  groups.emplace("h:2", absl::UnavailableError("not known yet"));
  printer.Draw(groups);
  EXPECT_THAT(
      Take(),
      AllOf(HasSubstr("2 brokers: 1 watched"), HasSubstr("  b:0 away: refused"),
            HasSubstr("a:0     orders  consumer  3 "),
            HasSubstr("18:12:53 -- away, trying again broker=b:0"),
            Not(HasSubstr("away and not listed"))));
}

}  // namespace
}  // namespace rmq::cmctl
