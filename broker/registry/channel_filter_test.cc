#include "broker/registry/channel_filter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Field;

auto Is(absl::string_view host, absl::string_view port) {
  return AllOf(Field(&HostAndPort::host, host),
               Field(&HostAndPort::port, port));
}

TEST(SplitAddressTest, AHostHasNoPort) {
  EXPECT_THAT(SplitAddress("10.0.0.1"), Is("10.0.0.1", ""));
  EXPECT_THAT(SplitAddress(""), Is("", ""));
}

TEST(SplitAddressTest, AHostAndAPortAreTakenApart) {
  EXPECT_THAT(SplitAddress("10.0.0.1:5"), Is("10.0.0.1", "5"));
  EXPECT_THAT(SplitAddress("[2001:db8::1]:5"), Is("2001:db8::1", "5"));
}

TEST(SplitAddressTest, AnIpv6HostMayHaveBracketsOrNot) {
  EXPECT_THAT(SplitAddress("2001:db8::1"), Is("2001:db8::1", ""));
  EXPECT_THAT(SplitAddress("[2001:db8::1]"), Is("2001:db8::1", ""));
  EXPECT_THAT(SplitAddress("::"), Is("::", ""));
}

TEST(SplitAddressTest, ABracketThatIsNotClosedIsNoIpv6Host) {
  EXPECT_THAT(SplitAddress("[2001:db8::1"), Is("[2001:db8::1", ""));
}

ChannelSummary Closed() {
  ChannelSummary summary;
  summary.client_id = "c1";
  summary.remote_address = "10.0.0.1:50001";
  summary.labels =
      std::make_shared<const Labels>(Labels{{"app", "x"}, {"zone", "a"}});
  summary.groups.consumers = {"orders"};
  summary.groups.producers = {"pay"};
  summary.groups.language = LanguageCode::kGo;
  summary.groups.version = 7;
  return summary;
}

bool Matches(const ChannelFilter& filter) { return filter.Matches(Closed()); }

TEST(ChannelFilterTest, AnEmptyFilterIsMetByAll) {
  EXPECT_TRUE(ChannelFilter().is_empty());
  EXPECT_TRUE(Matches(ChannelFilter()));
}

TEST(ChannelFilterTest, EachCriterionIsMetOrNot) {
  ChannelFilter filter;
  const auto expect = [&](bool met) {
    EXPECT_FALSE(filter.is_empty());
    EXPECT_EQ(Matches(filter), met);
  };
  filter.client_id = "c1";
  expect(true);
  filter.client_id = "c";
  expect(false);
  filter = {};
  for (const char* group : {"orders", "pay"}) {
    filter.group = group;
    expect(true);
  }
  filter.group = "order";
  expect(false);
  filter = {};
  filter.labels = {{"zone", "a"}};
  expect(true);
  filter.labels = {{"zone", "a"}, {"app", "x"}};
  expect(true);
  filter.labels = {{"zone", "a"}, {"app", "y"}};
  expect(false);
  filter.labels = {{"zon", "a"}};
  expect(false);
  filter = {};
  filter.language = LanguageCode::kGo;
  expect(true);
  filter.language = LanguageCode::kCpp;
  expect(false);
  filter = {};
  filter.version = 7;
  expect(true);
  filter.version = 0;
  expect(false);
  filter = {};
  filter.host = "10.0.0.1";
  expect(true);
  filter.port = "50001";
  expect(true);
  filter.port = "5000";
  expect(false);
  filter.port = "";
  filter.host = "10.0.0.10";
  expect(false);
}

TEST(ChannelFilterTest, AllCriteriaMustBeMet) {
  ChannelFilter filter;
  filter.client_id = "c1";
  filter.group = "pay";
  filter.language = LanguageCode::kGo;
  EXPECT_TRUE(Matches(filter));
  filter.version = 8;
  EXPECT_FALSE(Matches(filter));
}

}  // namespace
}  // namespace rmq
